// SPDX-License-Identifier: MIT
// Messages out of what a socket delivers, however it is cut.
import {ProtocolError} from './errors.js';

/** A whole line, newline included: what the protocol allows. */
export const longestLine = 262144;

const newline = 0x0a;

/** Owns the beginning of a line whose rest is to come, of `longestLine` bytes at most. */
export class LineReader {
    #held = [];
    #heldBytes = 0;
    #decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

    /** Calls `hear` with each message that is whole now; throws ProtocolError for what is none. */
    feed(bytes, hear) {
        let start = 0;
        for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
            this.#bound(end + 1 - start);
            const line = this.#joined(bytes.subarray(start, end));
            start = end + 1;
            if (line.length > 0) hear(this.#parse(line));
        }
        if (start < bytes.length) {
            // One byte more than this is on its way, at least.
            this.#bound(bytes.length - start + 1);
            // A copy: a few bytes would keep the whole read alive.
            this.#held.push(Buffer.from(bytes.subarray(start)));
            this.#heldBytes += bytes.length - start;
        }
    }

    #bound(more) {
        if (this.#heldBytes + more > longestLine) {
            throw new ProtocolError(`a line of more than ${longestLine} bytes`);
        }
    }

    #joined(end) {
        if (this.#heldBytes === 0) return end;
        const line = Buffer.concat([...this.#held, end]);
        this.#held = [];
        this.#heldBytes = 0;
        return line;
    }

    #parse(line) {
        let message;
        try {
            message = JSON.parse(this.#decoder.decode(line));
        } catch (error) {
            throw new ProtocolError('a line that is no JSON', {cause: error});
        }
        if (message === null || typeof message !== 'object' || typeof message.op !== 'string') {
            throw new ProtocolError('a line that is no message');
        }
        return message;
    }
}
