// SPDX-License-Identifier: MIT
// Types of the client of jobmilld. What the daemon makes of each option is in its PROTOCOL.md.
import { EventEmitter } from 'node:events';

export interface PoolOptions {
    /** Of the daemon. By default $JOBMILL_SOCKET, else the user's own place, then the system's. */
    socket?: string;
    /** Start a daemon when there is none: by default at the user's own place only. */
    start?: boolean;
    /** The pool of jobs that name none. */
    pool?: string;
    /** What this program is called in the daemon's log. */
    name?: string;
    /** Milliseconds for the daemon's first word, and for another one after one that has stopped; 30,000 by default. */
    connectTimeout?: number;
}

/** Text goes as UTF-8, bytes as they are, anything else as JSON. Large bytes must not change until the job has begun. */
export type Payload =
    | string | number | bigint | boolean | null | undefined | object
    | NodeJS.ArrayBufferView | ArrayBufferLike | StoredBlob;

export type Bound = number | 'unlimited';

/** What a job may ask for; absent: the pool's default. Times are in milliseconds. */
export interface SubmitOptions {
    /** Named arguments of the handler; for `exec` argv, cwd and env. */
    args?: Record<string, unknown>;
    /** What it reads beside its payload: at most eight, which put() has answered. */
    inputs?: StoredBlob[];
    pool?: string;
    label?: string;
    priority?: number;
    /** Another name of timeoutMs. */
    timeout?: Bound;
    timeoutMs?: Bound;
    queueTimeoutMs?: Bound;
    delayMs?: number;
    /** So many more attempts, after whatever, or by cause. */
    retries?: number | { crash?: number; timeout?: number; failure?: number };
    retryCrash?: number;
    retryTimeout?: number;
    retryFailure?: number;
    backoffMs?: number;
    backoffMaxMs?: number;
    /** Bytes. */
    memory?: Bound;
    cpuMs?: Bound;
    fileSize?: Bound;
    openFiles?: Bound;
    processes?: Bound;
    nice?: number;
    cpus?: string;
    batch?: string;
    halt?: string;
}

/** Whose event it is. */
export interface JobEvent {
    job: string;
    handler: string;
    label?: string;
}
export interface Started extends JobEvent { worker: number; attempt: number }
export interface Retrying extends JobEvent {
    state: string; worker?: number; attempt: number; delayMs: number; cause?: object;
}
export interface Progress extends JobEvent { done: number; total: number; note: string }
export interface Chunk extends JobEvent { stream?: 'stdout' | 'stderr'; buffer: Buffer }

export interface WaitOptions {
    /** Bytes that a job may send before its end when there is no onChunk; 64 MiB by default. */
    maxBuffer?: number;
    onChunk?(chunk: Chunk): void;
    onProgress?(progress: Progress): void;
    onStarted?(started: Started): void;
    onRetrying?(retrying: Retrying): void;
}

export interface RunOptions extends SubmitOptions, WaitOptions {
    /** Rejects with its reason at once; the job is cancelled, running or not. */
    signal?: AbortSignal;
    /** The running job that waits for this one; known by itself in a job. */
    parent?: string;
}

export interface MapOptions<T> extends RunOptions {
    /** Items that are under way or not taken yet; twice the pool's workers by default. */
    buffer?: number;
    /** What the job of an item asks for; the item itself is its payload unless this says another. */
    each?(item: T, index: number): EachJob | Promise<EachJob>;
}
export type EachJob = Omit<RunOptions, 'signal'> & { payload?: Payload };

export type Outcome =
    | { index: number; ok: true; value: Result; error?: undefined }
    | { index: number; ok: false; error: Error; value?: undefined };

/** Why a job did not succeed; members of the protocol's `cause`. */
export interface Cause {
    kind?: string;
    text?: string;
    exitCode?: number;
    signal?: string;
    core?: boolean;
    stderr?: string;
    stderrShared?: boolean;
    lastWords?: string;
    was?: string;
    limit?: string;
    oom?: boolean;
    poison?: boolean;
    stack?: string;
    done?: number;
    total?: number;
    note?: string;
}
export interface Attempt { state: string; worker?: number; runMs?: number; cause: Cause }

export class Result {
    readonly job: string;
    readonly state: 'succeeded' | 'failed' | 'crashed' | 'timed_out' | 'cancelled' | 'expired' | 'skipped' | 'interrupted';
    /** What the handler returned. */
    readonly buffer: Buffer;
    text(): string;
    json(): any;
    /** What came before the end and no onChunk took: a command's output, a handler's partial results. */
    readonly stdout: Buffer;
    readonly stderr: Buffer;
    readonly chunks: Buffer[];
    /** Its slot; absent when it did not run. */
    readonly worker?: number;
    readonly attempt: number;
    readonly attempts: Attempt[];
    readonly queueMs: number;
    readonly runMs: number;
    readonly cpuMs?: number;
    readonly peakRss?: number;
    readonly approx: boolean;
    readonly cause: Cause;
    private constructor();
}

export class StoredBlob {
    readonly size: number;
    drop(): void;
    private constructor();
}

/** Members as the protocol spells them. */
export type Document = Record<string, any>;
export interface HandlerPool { name: string; handlers: { name: string; help: string; module: string }[] }

export interface PoolEvents {
    started: [Started];
    retrying: [Retrying];
    progress: [Progress];
    chunk: [Chunk];
    drain: [];
}

export class Pool extends EventEmitter implements AsyncDisposable {
    constructor(options?: PoolOptions);
    open(): Promise<void>;
    run(handler: string, payload?: Payload, options?: RunOptions): Promise<Result>;
    imapUnordered<T>(handler: string, items: Iterable<T> | AsyncIterable<T>, options?: MapOptions<T>):
        AsyncGenerator<Outcome, void, undefined>;
    map<T>(handler: string, items: Iterable<T> | AsyncIterable<T>, options?: MapOptions<T>): Promise<Result[]>;
    /** Detached; resolves to its number when it is accepted. */
    submit(handler: string, payload?: Payload, options?: SubmitOptions): Promise<string>;
    wait(job: string, options?: WaitOptions): Promise<Result>;
    /** Of what was put already there is nothing to put. */
    put<T extends Payload>(payload: T extends StoredBlob ? never : T): Promise<StoredBlob>;
    /** With `unlessRunning` those that run are let be, and `running` is how many that are. */
    cancel(which: ({ job: string } | { batch: string } | { label: string } | { all: true } | { session: true }) &
        { unlessRunning?: boolean }): Promise<{ queued: number; running: number }>;
    retry(job: string): Promise<string>;
    status(): Promise<Document>;
    handlers(): Promise<HandlerPool[]>;
    ping(): Promise<void>;
    readonly needsDrain: boolean;
    close(options?: { cancel?: boolean }): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;

    on<K extends keyof PoolEvents>(event: K, listener: (...args: PoolEvents[K]) => void): this;
    once<K extends keyof PoolEvents>(event: K, listener: (...args: PoolEvents[K]) => void): this;
    off<K extends keyof PoolEvents>(event: K, listener: (...args: PoolEvents[K]) => void): this;
}

export function connect(options?: PoolOptions): Promise<Pool>;

export class JobmillError extends Error { readonly code?: string }
export class DaemonGone extends JobmillError {}
export class ProtocolError extends JobmillError {}
export class PoolClosed extends JobmillError {}
export class Refused extends JobmillError { readonly field?: string; readonly limit?: number }
export class Busy extends Refused { readonly retryAfterMs?: number }
export class JobError extends JobmillError {
    readonly result: Result;
    readonly kind?: string;
    readonly exitCode?: number;
    readonly signal?: string;
    readonly limit?: string;
    readonly stderr?: string;
    readonly lastWords?: string;
    readonly workerStack?: string;
}
export class WorkerDied extends JobError { readonly oom: boolean; readonly poison: boolean }
export class JobTimeout extends JobError {}
export class Cancelled extends JobError {}
export class Expired extends JobError {}
