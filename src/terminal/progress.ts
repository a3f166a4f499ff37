/**
 * Shows a run as it goes on, on stderr: a line for each step that ended and, where lines can be drawn over, one below
 * them for the step that is under way. Elsewhere (CI, a file) a step's begin and end are plain lines. What an agent does
 * meanwhile is a line each.
 */
import type { RunView, StageView } from '../pipeline/contracts.ts';
import { ActivityFeed } from './activity.ts';
import { coloured, dollars, duration, harmless, painter, type Paint, type Terminal } from './terminal.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const NAME_WIDTH = 9;
const ENDED: ReadonlySet<StageView['state']> = new Set(['done', 'failed', 'paused', 'cancelled']);

export interface ProgressOptions {
  /** Show what the programs that we run print (pytest, pip). */
  readonly verbose: boolean;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #verbose: boolean;
  readonly #now: () => number;
  /** What was last told of each stage, so that every change is told once. */
  readonly #told = new Map<string, string>();
  readonly #feed = new ActivityFeed();
  #running: StageView | undefined;
  #runningSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #drawn = false;

  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#paint = painter(terminal.colour);
    this.#verbose = options.verbose;
    this.#now = options.now ?? Date.now;
  }

  /** Tells what changed since the last view. */
  update(view: RunView): void {
    for (const stage of view.stages) {
      if (stage.state === 'running') this.#tell(stage);
      this.#tellActivity(stage);
      if (stage.state !== 'running') this.#tell(stage);
    }
    const running = view.stages.find((stage) => stage.state === 'running');
    if (running?.stage !== this.#running?.stage || running?.attempt !== this.#running?.attempt) {
      this.#runningSince = running?.startedAt == null ? this.#now() : Date.parse(running.startedAt);
    }
    this.#running = running;
    this.#draw();
    if (running !== undefined && this.#terminal.live && this.#timer === undefined) {
      this.#timer = setInterval(() => {
        this.#frame += 1;
        this.#draw();
      }, FRAME_MS);
      this.#timer.unref();
    }
    if (running === undefined) this.#stopTimer();
  }

  /** Output of a program that runs for the person. */
  output(text: string): void {
    if (!this.#verbose) return;
    this.#erase();
    this.#terminal.stderr.write(coloured(text));
    if (text.endsWith('\n')) this.#draw();
  }

  /** A line of our own between the steps. */
  line(text: string): void {
    this.#erase();
    this.#terminal.stderr.write(`${coloured(text)}\n`);
    this.#draw();
  }

  /** Ends the line that is drawn over; call before asking the person and at the end. */
  stop(): void {
    this.#running = undefined;
    this.#stopTimer();
    this.#erase();
  }

  #tell(stage: StageView): void {
    // A stage that waits at its gate was done before and will be again: that is no news.
    if (stage.state === 'waiting') return;
    const state = `${stage.state} ${stage.attempt} ${stage.mode ?? ''}`;
    if (this.#told.get(stage.stage) === state) return;
    this.#told.set(stage.stage, state);
    if (ENDED.has(stage.state)) this.line(this.#endLine(stage));
    else if (stage.state === 'running' && !this.#terminal.live) this.line(`  ${this.#head(stage)} …`);
  }

  /** Turns and calls of an agent. What one line can't hold is cut where lines are drawn over; `show` has all of it. */
  #tellActivity(stage: StageView): void {
    for (const line of this.#feed.take(stage)) {
      this.line(this.#paint('dim', this.#terminal.live ? this.#cut(line) : line));
    }
  }

  #endLine(stage: StageView): string {
    const mark = {
      done: this.#paint('green', '✓'),
      failed: this.#paint('red', '✗'),
      paused: this.#paint('yellow', '‖'),
      cancelled: this.#paint('yellow', '■'),
      pending: ' ',
      running: ' ',
      waiting: ' ',
    }[stage.state];
    const time = stage.durationMs === null ? '' : duration(stage.durationMs);
    return `${mark} ${this.#head(stage)} ${time.padStart(8)}  ${cost(stage)}${harmless(stage.note)}`.trimEnd();
  }

  /** `test      ` or `test RERUN (2)`: how and how often, where it is not the plain first time. */
  #head(stage: StageView): string {
    const first = stage.mode === null || stage.mode === 'RUN' || stage.mode === 'GENERATE';
    const words = [
      stage.stage,
      ...(first ? [] : [stage.mode]),
      ...(stage.attempt > 1 ? [`(${stage.attempt})`] : []),
    ];
    return words.join(' ').padEnd(NAME_WIDTH);
  }

  #draw(): void {
    const stage = this.#running;
    if (!this.#terminal.live || stage === undefined) return;
    const frame = FRAMES[this.#frame % FRAMES.length] ?? '';
    const since = duration(Math.max(0, this.#now() - this.#runningSince));
    const text = `${frame} ${this.#head(stage)} ${since.padStart(8)}  ${cost(stage)}${harmless(stage.note)}`;
    this.#terminal.stderr.write(`\r\u001b[2K${this.#paint('dim', this.#cut(text))}`);
    this.#drawn = true;
  }

  #cut(line: string): string {
    return Array.from(line)
      .slice(0, Math.max(1, this.#terminal.columns() - 1))
      .join('');
  }

  #erase(): void {
    if (!this.#drawn) return;
    this.#terminal.stderr.write('\r\u001b[2K');
    this.#drawn = false;
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What the stage has cost so far, in all its attempts. */
function cost({ usage }: StageView): string {
  return usage.usd > 0 ? `${dollars(usage.usd)}  ` : '';
}
