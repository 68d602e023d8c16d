// SPDX-License-Identifier: MIT
// How much a session may have unfinished: jobs, and bytes of their payloads.
import {ProtocolError} from './errors.js';

function checked(name, value) {
    if (!Number.isSafeInteger(value) || value < 1) {
        throw new ProtocolError(`a credit with ${name} ${value}`);
    }
    return value;
}

export class Credit {
    #jobs = 0;
    #bytes = 0;

    constructor(jobs, bytes) {
        this.set(jobs, bytes);
    }

    set(jobs, bytes) {
        this.mostJobs = checked('jobs', jobs);
        this.mostBytes = checked('bytes', bytes);
    }

    /** A single larger payload goes when nothing else is unfinished. */
    allows(bytes) {
        return this.#jobs === 0 || (this.#jobs < this.mostJobs && this.#bytes + bytes <= this.mostBytes);
    }

    take(bytes) {
        this.#jobs += 1;
        this.#bytes += bytes;
    }

    give(bytes) {
        this.#jobs -= 1;
        this.#bytes -= bytes;
    }
}
