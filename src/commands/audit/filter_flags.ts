import type { Command } from 'commander';

/** Adds the flags that say which events, the same for each command that reads many of them. */
export function filtered(command: Command): Command {
  const collect = (text: string, earlier: string[] = []) => [...earlier, text];
  return command
    .option('--npub <npub>', "of one owner's wallets")
    .option('--mint <url>', 'at one mint')
    .option('--operation <id>', 'of one payment, by its operation id')
    .option('--quote <id>', "by the mint's quote id")
    .option('--tx <id>', 'by transaction id')
    .option('--type <type>', 'of one type; may be repeated', collect)
    .option('--severity <name>', 'this severity and above, from INFO to CRITICAL')
    .option('--since <when>', 'how long ago, as 2h or 30d, or a moment, as 2026-11-21T18:05Z')
    .option('--until <when>', 'likewise; events at that moment are left out')
    .option('--actor <user>', 'by one user, or user@host');
}
