// SPDX-License-Identifier: MIT
// Every way in which a job or a question can come to nothing, and which ending is which of them.
import {camelCase} from './names.js';

/** What all errors of this package are. `code` is for programs, the message for people. */
export class JobmillError extends Error {
    constructor(message, {code, ...options} = {}) {
        super(message, options);
        this.code = code;
    }

    // Of the class and not of each error: as the platform's own errors have it.
    get name() {
        return this.constructor.name;
    }
}

/** No daemon could be reached, or the one that was there has left with the job unfinished. */
export class DaemonGone extends JobmillError {}

/** It said so before: jobs that it did not take may go to the next one. */
export class DaemonStopped extends DaemonGone {
    get name() {
        return 'DaemonGone';
    }
}

/** The other side does not speak the protocol. */
export class ProtocolError extends JobmillError {
    constructor(message, options) {
        super(message, {code: 'protocol', ...options});
    }
}

/** The pool takes no more: close() was called. */
export class PoolClosed extends JobmillError {
    constructor() {
        super('the pool is closed', {code: 'closed'});
    }
}

/** The daemon did not take the job or answer the question; `field` and `limit` say what was wrong. */
export class Refused extends JobmillError {
    constructor(message, {field, limit, ...options}) {
        super(message, options);
        if (field !== undefined) this.field = field;
        if (limit !== undefined) this.limit = limit;
    }
}

/** The daemon, or the user's share of it, is full; worth another try after `retryAfterMs`. */
export class Busy extends Refused {
    constructor(message, {retryAfterMs, ...options}) {
        super(message, {code: 'busy', ...options});
        this.retryAfterMs = retryAfterMs;
    }
}

/** A job that was taken and did not succeed: what its handler said, and its whole Result. */
export class JobError extends JobmillError {
    constructor(message, result) {
        super(message, {code: result.state});
        for (const name of ['kind', 'exitCode', 'signal', 'limit', 'stderr', 'lastWords']) {
            if (result.cause[name] !== undefined) this[name] = result.cause[name];
        }
        // Where the job was; `stack` is where its caller is.
        if (result.cause.stack !== undefined) this.workerStack = result.cause.stack;
        // Not shown with the error: it may hold megabytes.
        Object.defineProperty(this, 'result', {value: result});
    }
}

/** Its worker died: of `signal`, or it left with `exitCode`; `oom`: the kernel wanted its memory. */
export class WorkerDied extends JobError {
    constructor(message, result) {
        super(message, result);
        this.oom = result.cause.oom ?? false;
        this.poison = result.cause.poison ?? false;
    }
}

/** It ran longer than it may, or showed no sign of life. */
export class JobTimeout extends JobError {}

/** It was cancelled, by its batch or its stopping daemon too; not by a signal: that gives its own reason. */
export class Cancelled extends JobError {}

/** It had not begun within its `queueTimeoutMs`. */
export class Expired extends JobError {}

const endings = {
    failed: JobError,
    crashed: WorkerDied,
    timed_out: JobTimeout,
    cancelled: Cancelled,
    expired: Expired,
    skipped: JobError,
    interrupted: JobError,
};

export function isEnding(state) {
    return state === 'succeeded' || Object.hasOwn(endings, state);
}

function words({state, cause, job}) {
    const what = {timed_out: 'timed out'}[state] ?? state;
    const why = cause.text ?? (cause.signal && `killed by ${cause.signal}`) ??
        (cause.exitCode !== undefined ? `exit code ${cause.exitCode}` : undefined) ??
        (cause.limit && `beyond its limit of ${cause.limit}`) ?? cause.kind;
    return `job ${job} ${what}${why ? `: ${why}` : ''}`;
}

/** The error of a job that ended so; nothing when it succeeded. */
export function errorOf(result) {
    if (result.state === 'succeeded') return undefined;
    return new endings[result.state](words(result), result);
}

/** Codes whose texts go on after the name of the field. */
const aboutField = new Set(['bad_value', 'wrong_type', 'missing_field', 'too_large']);

/** The error that a message `error` tells of. */
export function refusal({code, text, field: spelled, limit, retry_after_ms: retryAfterMs}) {
    const field = typeof spelled === 'string' ? camelCase(spelled) : undefined;
    const said = typeof text === 'string' && text !== '' ? text : String(code);
    const words = field !== undefined && aboutField.has(code) ? `${field}: ${said}` : said;
    return code === 'busy' ? new Busy(words, {field, limit, retryAfterMs})
                           : new Refused(words, {code, field, limit});
}
