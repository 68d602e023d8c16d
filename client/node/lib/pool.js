// SPDX-License-Identifier: MIT
// A pool of a daemon's workers, as a program has it: jobs go in, promises come out.
import {EventEmitter} from 'node:events';
import {setTimeout as pause} from 'node:timers/promises';

import {DaemonStopped, JobmillError, PoolClosed} from './errors.js';
import {Job} from './job.js';
import {imapUnordered, map} from './imap.js';
import {checkText} from './payload.js';
import {JobQueue} from './queue.js';
import {reachDaemon} from './reach.js';
import {StoredBlob} from './result.js';
import {Session} from './session.js';

const defaultPatienceMs = 30_000;
/** Greetings that may meet a daemon which has left already, and how much later each is than the one before. */
const mostGreetings = 5;
const silencePerTryMs = 20;
/** Between looks for the daemon after one that has stopped: longer each time. */
const lookPausesMs = {first: 10, longest: 250};
const poolOptions = new Set(['socket', 'start', 'pool', 'name', 'connectTimeout']);
/** Options of a job that need a session which stays with it. */
const attachedOnly = ['signal', 'maxBuffer', 'onProgress', 'onChunk', 'onStarted', 'onRetrying', 'parent'];
const cancellables = new Set(['job', 'batch', 'label', 'all', 'session', 'unlessRunning']);
const waitOptions = new Set(['maxBuffer', 'onChunk', 'onProgress', 'onStarted', 'onRetrying']);

function refuseOptions(options, isGood, what) {
    for (const name of Object.keys(options)) {
        if (options[name] !== undefined && !isGood(name)) throw new TypeError(`${what} has no option "${name}"`);
    }
}

/** It left before it was greeted: idle ones do, full ones, and those that stop. */
function hasLeft(error) {
    return error.code === 'EPIPE' || error instanceof DaemonStopped;
}

/** Errors whose stack says who asked, which is of more use than how the answer was read. */
async function blameCaller(promise) {
    try {
        return await promise;
    } catch (error) {
        if (error instanceof JobmillError) Error.captureStackTrace(error, blameCaller);
        throw error;
    }
}

/** The running job that this process is, at the daemon of that socket: who waits for its own jobs lends its place. */
function ownJob(socket) {
    const {JOBMILL_JOB: job, JOBMILL_SOCKET: place} = process.env;
    return job && (socket ?? place) === place && /^[1-9][0-9]{0,18}$/.test(job) ? job : undefined;
}

/**
 * Owns one session at a time, which is opened when there is something to do, and what waits for its
 * credit. A session that ends takes its jobs with it; the next job opens another.
 */
export class Pool extends EventEmitter {
    #options;
    #ownJob;
    #session;
    #opening;
    #queue = new JobQueue();
    #waited = false;
    #closed = false;
    #closing;
    #onIdle;

    constructor(options = {}) {
        super();
        refuseOptions(options, (name) => poolOptions.has(name), 'a pool');
        if (options.name !== undefined) checkText('name', options.name);
        this.#options = options;
        this.#ownJob = ownJob(options.socket);
    }

    /** Connects now, and starts a daemon where that is asked for. */
    async open() {
        await this.#open();
    }

    async run(handler, payload, options = {}) {
        const job = this.#job(handler, payload, {parent: this.#ownJob, ...options}, false);
        return this.#endOf(job);
    }

    /** Detached: goes on when this program ends. Its number is what wait() and cancel() know it by. */
    async submit(handler, payload, options = {}) {
        refuseOptions(options, (name) => !attachedOnly.includes(name), 'a detached job');
        return this.#endOf(this.#job(handler, payload, options, true));
    }

    /** What becomes of a detached job; each of its events is read once. */
    async wait(number, options = {}) {
        refuseOptions(options, (name) => waitOptions.has(name), 'wait');
        return this.#endOf(Job.wait(number, options, this.#tell));
    }

    imapUnordered(handler, items, options = {}) {
        return imapUnordered(this, handler, items, options);
    }

    map(handler, items, options = {}) {
        return map(this, handler, items, options);
    }

    /** Gives the daemon a payload for many jobs. */
    async put(payload) {
        if (payload instanceof StoredBlob) throw new TypeError('a StoredBlob is not put: it is there already');
        if (this.#closed) throw new PoolClosed();
        return (await this.#open()).put(payload);
    }

    async status() {
        return this.#ask('status', 'status');
    }

    async handlers() {
        return (await this.#ask('handlers', 'handlers')).pools;
    }

    async ping() {
        await this.#ask('ping', 'pong');
    }

    /**
     * @param which one of job, batch, label, all; session: those of this pool. With unlessRunning those that run
     * are let be, and `running` is how many that are.
     */
    async cancel(which) {
        for (const [name, value] of Object.entries(which)) {
            if (!cancellables.has(name)) throw new TypeError(`nothing is cancelled by "${name}"`);
            if (name === 'unlessRunning') {
                if (typeof value !== 'boolean') throw new TypeError('unlessRunning is true or false');
            } else if (value !== true) {
                checkText(name, value);
            }
        }
        const {unlessRunning, ...target} = which;
        if (unlessRunning) target.unless_running = true;
        const {queued, running} = await this.#ask('cancel', 'cancelled', target);
        return {queued, running};
    }

    /** Runs once more, detached, what was set aside since it had crashed too many workers. */
    async retry(number) {
        const job = checkText('the number of a job', String(number));
        return blameCaller(this.#asked('retry', 'accepted', {job}));
    }

    /** Whether jobs wait here for others to end; 'drain' tells when none does any more. */
    get needsDrain() {
        return !this.#queue.isEmpty;
    }

    /** Takes nothing more. Resolves when what was taken has ended, which `cancel` hastens. */
    close({cancel = false} = {}) {
        this.#closed = true;
        if (cancel) this.#cancelAll();
        this.#closing ??= this.#finish();
        return this.#closing;
    }

    #cancelAll() {
        this.#queue.rejectAll(new PoolClosed());
        // Not found: nothing was left. Gone: nothing is left.
        this.#session?.ask('cancel', 'cancelled', {session: true}).catch(() => {});
    }

    async #finish() {
        if (!this.#isIdle) {
            await new Promise((resolve) => {
                this.#onIdle = resolve;
            });
        }
        this.#session?.close();
    }

    get #isIdle() {
        return this.#queue.isEmpty && this.#opening === undefined && (this.#session?.isIdle ?? true);
    }

    #job(handler, payload, options, detached) {
        const whole = options.pool === undefined ? {...options, pool: this.#options.pool} : options;
        return Job.submit(handler, payload, whole, {
            emit: this.#tell,
            hears: (event) => this.listenerCount(event) > 0,
            detached,
        });
    }

    /** A listener that throws is not the session's concern. */
    #tell = (name, event) => {
        if (this.listenerCount(name) > 0) process.nextTick(() => this.emit(name, event));
    };

    #endOf(job) {
        if (this.#closed) job.reject(new PoolClosed());
        if (!job.settled) this.#enqueue(job);
        return blameCaller(job.promise);
    }

    #enqueue(job) {
        this.#queue.push(job);
        if (this.#session !== undefined) this.#pump();
        // Whoever waits for the opening is told of its failure by his job.
        else this.#open().catch(() => {});
    }

    #pump() {
        this.#session?.pump(this.#queue);
        const waits = this.needsDrain;
        if (this.#waited && !waits) this.#tell('drain');
        this.#waited = waits;
        if (this.#onIdle && this.#isIdle) this.#onIdle();
    }

    async #asked(op, answer, members) {
        return (await this.#open()).ask(op, answer, members);
    }

    async #ask(op, answer, members) {
        const {op: _, id, ...document} = await blameCaller(this.#asked(op, answer, members));
        return document;
    }

    #open(comesAgain = false) {
        if (this.#session !== undefined) return Promise.resolve(this.#session);
        if (this.#closed && this.#queue.isEmpty) return Promise.reject(new PoolClosed());
        this.#opening ??= this.#connect(comesAgain);
        return this.#opening;
    }

    async #connect(comesAgain) {
        try {
            this.#session = await (comesAgain ? this.#greetNext() : this.#greet());
            return this.#session;
        } catch (error) {
            this.#queue.rejectAll(error);
            throw error;
        } finally {
            this.#opening = undefined;
            this.#pump();
        }
    }

    async #greet() {
        for (let tries = 1;; ++tries) {
            const session = new Session(await reachDaemon(this.#options), {
                onRoom: () => this.#pump(),
                onEnd: (ended, error, untaken) => this.#onEnd(ended, error, untaken),
            });
            try {
                await session.greet(this.#options.name ?? 'jobmill-node',
                                    this.#options.connectTimeout ?? defaultPatienceMs,
                                    silencePerTryMs * (tries - 1));
                return session;
            } catch (error) {
                if (!hasLeft(error) || tries === mostGreetings) throw error;
            }
        }
    }

    /** One has stopped: what waits here is for the next, which may take a moment to come. */
    async #greetNext() {
        const end = performance.now() + (this.#options.connectTimeout ?? defaultPatienceMs);
        for (let wait = lookPausesMs.first;; wait = Math.min(2 * wait, lookPausesMs.longest)) {
            try {
                return await this.#greet();
            } catch (error) {
                const mayCome = error.code === 'ENOENT' || hasLeft(error);
                if (!mayCome || performance.now() > end || this.#queue.isEmpty) throw error;
            }
            await pause(wait);
        }
    }

    #onEnd(session, error, untaken) {
        if (session !== this.#session) return;  // its opening has failed, and says so
        this.#session = undefined;
        this.#queue.putBack(untaken);
        // A daemon that stopped has left nothing behind: the next one takes what waits.
        if (error instanceof DaemonStopped) {
            if (!this.#queue.isEmpty) this.#open(true).catch(() => {});
        } else {
            this.#queue.rejectAll(error);
        }
        this.#pump();
    }
}

if (Symbol.asyncDispose) {
    Pool.prototype[Symbol.asyncDispose] = function dispose() {
        return this.close();
    };
}
