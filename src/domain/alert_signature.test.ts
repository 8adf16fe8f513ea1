import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSigningSecret, signatureHeaders } from './alert_signature.ts';

describe('signatureHeaders', () => {
  it('signs as the example of Standard Webhooks', () => {
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    const message = { id, timestamp: 1614265330, body: '{"test": 2432232314}' };
    expect(signatureHeaders(message, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('takes a secret without prefix as it is', () => {
    const key = 'a text of more than 16 characters';
    const headers = signatureHeaders({ id: 'a', timestamp: 1, body: '{}' }, key);
    const own = createHmac('sha256', key).update('a.1.{}').digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${own}`);
  });

  it.each([
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', true],
    ['0123456789abcdef', true],
    ['0123456789abcde', false],
    ['whsec_c2hvcnQ=', false],
    ['whsec_this is not base64 at all!', false],
  ])('%s can sign: %s', (secret, can) => expect(isSigningSecret(secret)).toBe(can));
});
