import { expect, it } from 'vitest';
import { cleanText } from './clean_text.ts';

it('a sentence is one line, without secrets and without orders to a terminal', () => {
  const nsec = `nsec1${'q'.repeat(58)}`;
  expect(cleanText(`Unknown command '${nsec}'.\nDid you mean \u001b[2Jmelt?`)).toBe(
    "Unknown command 'nsec1[hidden]'. Did you mean \\x1b[2Jmelt?",
  );
});
