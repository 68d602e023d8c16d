// SPDX-License-Identifier: MIT
// What has become of a job, and a payload that the daemon keeps for many.
import {camelCase} from './names.js';

/** Its members by their names here. */
export function causeOf(cause) {
    const known = cause !== null && typeof cause === 'object' ? Object.entries(cause) : [];
    return Object.fromEntries(known.map(([name, value]) => [camelCase(name), value]));
}

function attemptOf({state, worker, run_ms: runMs, cause}) {
    return {state, worker, runMs, cause: causeOf(cause)};
}

export class Result {
    /**
     * @param message the protocol's `result`
     * @param {Buffer} buffer its whole payload
     * @param {{stdout: Buffer, stderr: Buffer, chunks: Buffer[]}} output what came before it
     */
    constructor(message, buffer, output) {
        this.job = message.job;
        this.state = message.state;
        this.buffer = buffer;
        this.stdout = output.stdout;
        this.stderr = output.stderr;
        this.chunks = output.chunks;
        this.worker = message.worker;
        this.attempt = message.attempt ?? 1;
        this.attempts = Array.isArray(message.attempts) ? message.attempts.map(attemptOf) : [];
        this.queueMs = message.queue_ms;
        this.runMs = message.run_ms;
        this.cpuMs = message.cpu_ms;
        this.peakRss = message.peak_rss;
        this.approx = message.approx ?? false;
        this.cause = causeOf(message.cause);
    }

    text() {
        return this.buffer.toString('utf8');
    }

    json() {
        return JSON.parse(this.text());
    }
}

/** Made by Pool.put(): the payload, or an input, of any number of jobs. It goes with the session that made it. */
export class StoredBlob {
    #session;

    constructor(session, id, size) {
        this.#session = session;
        this.id = id;
        this.size = size;
    }

    isOf(session) {
        return this.#session === session;
    }

    /** Jobs that have it keep it. */
    drop() {
        this.#session?.drop(this.id);
        this.#session = undefined;
    }
}
