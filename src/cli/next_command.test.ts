import { describe, expect, it } from 'vitest';
import { CashuOpsError, type ErrorDetails, type PlainCode } from '../domain/errors.ts';
import { nextCommandOf } from './next_command.ts';

const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';

function next(code: PlainCode, argv: string[], details: ErrorDetails = {}): string | null {
  return nextCommandOf(new CashuOpsError(code, 'A sentence.', details), argv);
}

describe('nextCommandOf', () => {
  it('lets the error decide where it does', () => {
    const details = { next_command: 'cashu-ops doctor --fix' };
    expect(next('STORE_NOT_READY', ['melt'], details)).toBe('cashu-ops doctor --fix');
  });

  it('names the help of the command that was meant', () => {
    expect(next('INVALID_ARGUMENT', ['melt', '--jsn'])).toBe('cashu-ops melt --help');
    expect(next('INVALID_ARGUMENT', [])).toBe('cashu-ops --help');
  });

  it('names the command below, where one stands below another', () => {
    expect(next('INVALID_ARGUMENT', ['reconcile', 'runs', '--limit', '0'])).toBe(
      'cashu-ops reconcile runs --help',
    );
    expect(next('INVALID_ARGUMENT', ['reconcile', 'nsec1verysecret'])).toBe(
      'cashu-ops reconcile --help',
    );
    expect(next('INVALID_ARGUMENT', ['policy', 'set', '--melts'])).toBe(
      'cashu-ops policy set --help',
    );
    expect(next('INVALID_ARGUMENT', ['toString', 'runs'])).toBe('cashu-ops --help');
  });

  it('a wallet that is held: who holds it shows in the runs', () => {
    for (const code of ['LEASE_HELD', 'LEASE_LOST'] as const) {
      expect(next(code, ['reconcile', '--all', '--apply'])).toBe('cashu-ops reconcile runs');
    }
  });

  it('repeats no word that it does not know', () => {
    expect(next('INVALID_ARGUMENT', ['nsec1verysecret'])).toBe('cashu-ops --help');
    const words = ['melt', '--npub', 'nsec1verysecret'];
    expect(next('INSUFFICIENT_FUNDS', words)).toBe('cashu-ops balance --all');
  });

  it('names the owner, and the mint that did not answer', () => {
    const words = ['melt', 'lnbc1', '--npub', NPUB];
    expect(next('INSUFFICIENT_FUNDS', words)).toBe(`cashu-ops balance --npub ${NPUB}`);
    expect(next('HIGH_SEVERITY_DISCREPANCIES', words)).toBe(
      `cashu-ops balance --npub ${NPUB} --verify`,
    );
    const facts = { mint_url: 'https://mint.test' };
    expect(next('MINT_UNREACHABLE', words, { facts })).toBe(
      'cashu-ops doctor --mint https://mint.test',
    );
    expect(next('DATABASE_UNREACHABLE', words)).toBe('cashu-ops doctor');
  });

  it('never names the command that has just failed', () => {
    expect(next('INVALID_CONFIGURATION', ['doctor', '--json'])).toBe('cashu-ops doctor --help');
    expect(next('INVALID_CONFIGURATION', ['melt', 'lnbc1'])).toBe('cashu-ops melt --help');
    expect(next('DATABASE_UNREACHABLE', ['doctor'])).toBe('cashu-ops doctor --help');
    const words = ['balance', '--npub', NPUB, '--json'];
    expect(next('TOKENS_NOT_AVAILABLE', words)).toBe('cashu-ops balance --help');
    expect(next('INVALID_MINT_URL', ['balance', '--all'])).toBe('cashu-ops balance --help');
    const details = { next_command: 'cashu-ops melt --resume id' };
    expect(next('PAYMENT_PENDING', ['melt', '--resume', 'id'], details)).toBe(details.next_command);
  });

  it('says nothing where no command helps', () => {
    expect(next('INVOICE_EXPIRED', ['melt'])).toBeNull();
    expect(next('MELTS_STOPPED', ['melt'])).toBeNull();
  });
});
