import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CliResult, RunningCli } from '../support/run_cli.ts';
import { END_MARK, type Order } from './worker_orders.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** So many wait for work: as many as a step has commands. */
const WAITING = 3;
/** Whatever piles up in a process that lives longer than any real one. */
const COMMANDS_MAX = 40;

/** Processes that have loaded the command; one that was killed is replaced. */
export class Workers {
  #idle: Worker[] = [];
  #stopped = false;

  /** Runs a command in a process of its own, as `startCli` does. */
  async start(args: readonly string[], env: Record<string, string>): Promise<RunningCli> {
    const worker = this.#idle.shift() ?? new Worker();
    this.#fill();
    await worker.ready;
    const ended = worker.run({ args: [...args], env: { PATH: process.env.PATH ?? '', ...env } });
    const back = () => {
      if (worker.usable && !this.#stopped) this.#idle.push(worker);
      else worker.child.kill('SIGKILL');
      if (!this.#stopped) this.#fill();
    };
    void ended.then(back, back);
    return { child: worker.child, ended };
  }

  /** Ends them all. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#idle.splice(0)) worker.child.kill('SIGKILL');
  }

  #fill(): void {
    while (this.#idle.length < WAITING) this.#idle.push(new Worker());
  }
}

class Worker {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  readonly #closed: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  readonly #out: Heard;
  readonly #err: Heard;
  #commands = 0;
  #gone = false;
  #struck = false;

  constructor() {
    const env = { PATH: process.env.PATH ?? '' };
    this.child = fork(WORKER, { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.child.on('error', () => {});
    const kill = this.child.kill.bind(this.child);
    // A signal can come when the command has just ended: the next one must not suffer it.
    this.child.kill = (signal) => {
      this.#struck = true;
      return kill(signal);
    };
    this.#closed = once(this.child, 'close').then(([code, signal]) => {
      this.#gone = true;
      return [code, signal];
    });
    this.ready = Promise.race([once(this.child, 'message'), this.#closed]);
    this.#out = new Heard(this.child.stdout);
    this.#err = new Heard(this.child.stderr);
  }

  get usable(): boolean {
    return !this.#gone && !this.#struck && this.#commands < COMMANDS_MAX;
  }

  async run(order: Order): Promise<CliResult> {
    this.#commands += 1;
    this.child.send(order, () => {});
    const marked = Promise.all([this.#out.marked(), this.#err.marked()]);
    const end = await Promise.race([marked, this.#closed]);
    const [first] = end;
    const orderly = typeof first === 'object' && first !== null;
    const stdout = this.#out.take();
    return {
      code: orderly ? first.code : (end[0] as number | null),
      signal: orderly ? null : (end[1] as NodeJS.Signals | null),
      stdout,
      stderr: this.#err.take(),
      json: () => JSON.parse(stdout),
    };
  }
}

/** What one stream of a worker has said since the last command. */
class Heard {
  #text = '';
  #onMark: ((mark: { code: number }) => void) | null = null;

  constructor(stream: NodeJS.ReadableStream | null) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      this.#text += text;
      this.#tell();
    });
  }

  marked(): Promise<{ code: number }> {
    return new Promise((resolve) => {
      this.#onMark = resolve;
      this.#tell();
    });
  }

  /** Everything without the mark. */
  take(): string {
    const [said = ''] = this.#text.split(END_MARK);
    this.#text = '';
    return said;
  }

  #tell(): void {
    const [, code] = this.#text.split(END_MARK);
    if (code?.endsWith('\n')) this.#onMark?.({ code: Number(code) });
  }
}
