// SPDX-License-Identifier: MIT
// Payloads: what may be one, how it is spelled on a line, and how one is put together again.
import {isAnyArrayBuffer} from 'node:util/types';

import {ProtocolError} from './errors.js';

/** A payload within one message, and a piece of a larger one. */
export const inlineLimit = 65536;
/** Text that JSON makes longer than this is shorter in base64. */
const longestEscaped = 131072;

const loneSurrogate = /\p{Cs}/u;

export function isWellFormed(text) {
    // Node 18 lacks it.
    return text.isWellFormed?.() ?? !loneSurrogate.test(text);
}

export function checkText(name, value) {
    if (typeof value !== 'string') throw new TypeError(`${name} is a ${typeof value}, and should be a text`);
    if (!isWellFormed(value)) throw new TypeError(`${name} holds half a surrogate pair`);
    return value;
}

function asText(value) {
    if (typeof value === 'string') return checkText('the payload', value);
    const text = typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
    if (text === undefined) throw new TypeError(`a ${typeof value} is no payload`);
    return text;
}

/** The bytes of a view or an array buffer, which are not copied; nothing for anything else. */
function bytesOf(value) {
    if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}

/**
 * How a payload goes to the daemon: as members of its message, which are text already, or in pieces
 * of `large`, which must not change until they are sent.
 * @returns {{size: number, members: string, large?: Buffer}}
 */
export function spell(value) {
    if (value === undefined) return {size: 0, members: ''};
    let bytes = bytesOf(value);
    if (bytes === undefined) {
        const text = asText(value);
        const size = Buffer.byteLength(text);
        if (size <= inlineLimit) {
            const json = JSON.stringify(text);
            if (json.length <= longestEscaped) return {size, members: `,"payload":${json}`};
        }
        bytes = Buffer.from(text);
    }
    if (bytes.length <= inlineLimit) {
        return {size: bytes.length, members: `,"payload_b64":"${bytes.toString('base64')}"`};
    }
    return {size: bytes.length, members: `,"size":${bytes.length},"more":true`, large: bytes};
}

/** The bytes that a message of the daemon has in it. */
export function decode({payload, payload_b64: base64}) {
    if (payload !== undefined) {
        if (typeof payload !== 'string') throw new ProtocolError('a payload that is no text');
        return Buffer.from(payload);
    }
    if (base64 === undefined) return Buffer.alloc(0);
    if (typeof base64 !== 'string') throw new ProtocolError('a payload_b64 that is no text');
    const bytes = Buffer.from(base64, 'base64');
    // What is not of base64 is skipped by Node.
    if (base64.length % 4 !== 0 || bytes.length !== base64.length / 4 * 3 - padding(base64)) {
        throw new ProtocolError('a payload_b64 that is no base64');
    }
    return bytes;
}

function padding(base64) {
    if (base64.endsWith('==')) return 2;
    return base64.endsWith('=') ? 1 : 0;
}

/** A message whose payload comes in pieces. Takes memory for what has come, not for what was announced. */
export class Assembly {
    #parts = [];
    #missing;

    /** @param message the first of it @param {number} limit of the whole, in bytes */
    constructor(message, limit) {
        this.message = message;
        const {size} = message;
        if (!Number.isSafeInteger(size) || size < 0 || size > limit) {
            throw new ProtocolError(`a payload of ${size} bytes; the limit is ${limit}`);
        }
        this.#missing = size;
        this.#add(message);
    }

    /** @returns {boolean} whether that was the last one */
    add(piece) {
        this.#add(piece);
        if (piece.more === true) return false;
        if (this.#missing > 0) {
            throw new ProtocolError(`a payload that is ${this.#missing} bytes shorter than announced`);
        }
        return true;
    }

    take() {
        return Buffer.concat(this.#parts);
    }

    #add(message) {
        const bytes = decode(message);
        if (bytes.length > this.#missing) throw new ProtocolError('a payload longer than announced');
        this.#missing -= bytes.length;
        if (bytes.length > 0) this.#parts.push(bytes);
    }
}
