// SPDX-License-Identifier: MIT
// A job as its caller has it: a promise, what came before its end, and whether it is given up.
import {unwatch, watch} from './aborts.js';
import {errorOf, isEnding, ProtocolError} from './errors.js';
import {longestLine} from './lines.js';
import {spellHandler, spellOptions} from './options.js';
import {checkText, spell} from './payload.js';
import {causeOf, Result, StoredBlob} from './result.js';

/** What a job may send before its end when nobody takes it. */
const defaultMaxBuffer = 64 * 1024 * 1024;

/** What a line has around that of a job: op, ids and braces. */
const longestFrame = 300;

/** Of one job, by the protocol. */
const mostInputs = 8;

const streams = new Set([undefined, 'stdout', 'stderr']);

/** Of most jobs, so that they need not have some of their own. */
const noOutput = {stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), chunks: Object.freeze([])};

const nothing = {size: 0, members: ''};

/** What a job wants to be told of; a detached one is told of to who waits for it. */
function wishes({onStarted, onRetrying, onProgress}, hears) {
    const started = onStarted || hears('started');
    const retrying = onRetrying || hears('retrying');
    const progress = onProgress || hears('progress');
    return (started ? ',"started":true' : retrying ? ',"retrying":true' : '') + (progress ? ',"progress":true' : '');
}

/** The daemon would end the session for a longer one. */
function boundLine(line) {
    // No character has more than three bytes; counting them is not for free.
    if (line.length * 3 < longestLine) return;
    const bytes = Buffer.byteLength(line) + longestFrame;
    if (bytes > longestLine) {
        throw new RangeError(`a handler and options that make a line of ${bytes} bytes; the limit is ${longestLine}`);
    }
}

function checkInputs(inputs) {
    if (Array.isArray(inputs) && inputs.every((input) => input instanceof StoredBlob)) {
        if (inputs.length > mostInputs) throw new RangeError(`${inputs.length} inputs; a job has at most ${mostInputs}`);
        return [...inputs];
    }
    throw new TypeError('inputs should be a list of what put() has answered');
}

/**
 * Settles its promise once. Its session calls what is named after messages. `large` and `blob` are its
 * payload, where its line has none; `inputs` what it reads beside it; `bytes` what it takes of the credit.
 */
export class Job {
    #settle;
    #settled = false;
    #options;
    #emit;
    #output = [];
    #outputBytes = 0;
    #cancel;

    number = undefined;
    /** How often a daemon has left before it took this job. */
    refusals = 0;
    blob = undefined;
    inputs = [];
    large = undefined;
    bytes = 0;
    takesCredit = true;
    detached = false;

    /** @param emit of the pool: (name, event) */
    constructor(options, emit) {
        this.#options = options;
        this.#emit = emit;
        this.promise = new Promise((resolve, reject) => {
            this.#settle = {resolve, reject};
        });
    }

    /** @param {(event: string) => boolean} hears whether anybody listens for that */
    static submit(handler, payload, options, {emit, hears, detached = false}) {
        const job = new Job(options, emit);
        if (payload instanceof StoredBlob) job.blob = payload;
        if (options.inputs !== undefined) job.inputs = checkInputs(options.inputs);
        const spelled = job.blob === undefined ? spell(payload) : nothing;
        job.op = 'submit';
        job.handler = handler;
        job.detached = detached;
        job.bytes = spelled.size;
        job.large = spelled.large;
        job.line = spellHandler(handler) + spellOptions(options) +
            (detached ? ',"detached":true' : wishes(options, hears)) + spelled.members;
        boundLine(job.line);
        if (options.signal?.aborted) job.abort(options.signal.reason);
        else if (options.signal) watch(options.signal, job);
        return job;
    }

    /** What becomes of a detached job. */
    static wait(number, options, emit) {
        const job = new Job(options, emit);
        job.op = 'wait';
        job.number = checkText('the number of a job', String(number));
        job.line = `"job":${JSON.stringify(job.number)}`;
        job.takesCredit = false;
        return job;
    }

    get settled() {
        return this.#settled;
    }

    /** From now on there is a session that can cancel it. */
    sent(cancel) {
        this.#cancel = cancel;
    }

    /** The caller is told at once; what runs is stopped a moment later. */
    abort(reason) {
        if (this.#settled) return;
        this.reject(reason);
        this.#cancel?.();
    }

    reject(error) {
        if (this.#end()) this.#settle.reject(error);
    }

    #end() {
        if (this.#settled) return false;
        this.#settled = true;
        this.#output = [];
        if (this.#options.signal) unwatch(this.#options.signal, this);
        return true;
    }

    accepted(number) {
        this.number = number;
        if (this.detached && this.#end()) this.#settle.resolve(number);
    }

    started({worker, attempt}) {
        this.#tell('started', 'onStarted', {worker, attempt: attempt ?? 1});
    }

    retrying({worker, attempt, state, delay_ms: delayMs, cause}) {
        this.#tell('retrying', 'onRetrying', {worker, attempt: attempt ?? 1, state, delayMs, cause: causeOf(cause)});
    }

    progress({done, total, note}) {
        this.#tell('progress', 'onProgress', {done: done ?? 0, total: total ?? 0, note: note ?? ''});
    }

    chunk({stream}, buffer) {
        if (!streams.has(stream)) throw new ProtocolError(`a chunk of the stream ${stream}`);
        if (this.#settled) return;
        this.#tell('chunk', 'onChunk', {stream, buffer});
        if (this.#options.onChunk || this.#settled) return;
        this.#output.push({stream, buffer});
        this.#outputBytes += buffer.length;
        const limit = this.#options.maxBuffer ?? defaultMaxBuffer;
        if (this.#outputBytes > limit) {
            this.abort(new RangeError(`job ${this.number} sent more than maxBuffer, ${limit} bytes, ` +
                                      'before its end; onChunk would take it'));
        }
    }

    result(message, buffer) {
        if (!isEnding(message.state)) throw new ProtocolError(`a result with the state ${message.state}`);
        if (this.#settled) return;
        const result = new Result(message, buffer, this.#output.length === 0 ? noOutput : this.#gathered());
        const error = errorOf(result);
        this.#end();
        if (error === undefined) this.#settle.resolve(result);
        else this.#settle.reject(error);
    }

    #gathered() {
        const of = (stream) => this.#output.filter((part) => part.stream === stream)
                                   .map((part) => part.buffer);
        return {stdout: Buffer.concat(of('stdout')), stderr: Buffer.concat(of('stderr')), chunks: of(undefined)};
    }

    /** A callback that throws ends its job with what it threw; the session goes on. */
    #tell(name, callback, event) {
        if (this.#settled) return;
        const whole = {job: this.number, handler: this.handler, label: this.#options.label, ...event};
        try {
            this.#options[callback]?.(whole);
        } catch (error) {
            this.abort(error);
            return;
        }
        this.#emit(name, whole);
    }
}
