/*
 * Loaded before a program (NODE_OPTIONS=--import): at SIGUSR2 its clock jumps, as when a machine
 * wakes up or somebody sets the time. Timers keep their pace.
 */
const jumpMs = Number(process.env.CLOCK_JUMPS_BY_MS ?? 0);
const RealDate = Date;
let offset = 0;

class JumpingDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offset);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offset;
  }
}

globalThis.Date = JumpingDate;
process.on('SIGUSR2', () => {
  offset = jumpMs;
  process.stderr.write(`the clock jumps to ${new Date().toISOString()}\n`);
});
