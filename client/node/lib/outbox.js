// SPDX-License-Identifier: MIT
// What goes to the daemon: lines, and large payloads in pieces that take turns.
import {inlineLimit} from './payload.js';

/** Gathers what is said in a turn of the loop. Says no more pieces than the socket takes. */
export class Outbox {
    #socket;
    #uploads = [];
    #uploadBytes = 0;
    #corked = false;
    #writable = true;

    constructor(socket, onDrain) {
        this.#socket = socket;
        socket.on('drain', () => {
            this.#writable = true;
            onDrain();
        });
    }

    /** False while what was said has yet to leave. */
    get writable() {
        return this.#writable;
    }

    say(line) {
        if (!this.#corked) {
            this.#corked = true;
            this.#socket.cork();
            process.nextTick(() => {
                this.#corked = false;
                this.#socket.uncork();
            });
        }
        this.#writable = this.#socket.write(line + '\n');
    }

    /** The rest of a message that has said its size. */
    upload(id, bytes) {
        this.#uploads.push({id, bytes, sent: 0, givenUp: false});
        this.#uploadBytes += bytes.length;
    }

    /** Whether the daemon lets so many bytes more be on their way; it counts a payload until its last piece. */
    allows(bytes, {mostJobs, mostBytes}) {
        const {length} = this.#uploads;
        return length === 0 || (length < mostJobs && this.#uploadBytes + bytes <= mostBytes);
    }

    /** What is left of it is not needed, but the daemon waits for a last piece. */
    giveUp(id) {
        const upload = this.#uploads.find((each) => each.id === id);
        if (upload !== undefined) upload.givenUp = true;
    }

    /** Sends a piece of the upload whose turn it is; false when there is none. */
    step() {
        const upload = this.#uploads.shift();
        if (upload === undefined) return false;
        const {id, bytes, sent} = upload;
        if (upload.givenUp) {
            this.#uploadBytes -= bytes.length;
            this.say(`{"op":"piece","id":"${id}","payload":""}`);
            return true;
        }
        const end = Math.min(sent + inlineLimit, bytes.length);
        const more = end < bytes.length;
        const piece = bytes.toString('base64', sent, end);
        this.say(`{"op":"piece","id":"${id}","payload_b64":"${piece}"${more ? ',"more":true' : ''}}`);
        upload.sent = end;
        if (more) this.#uploads.push(upload);
        else this.#uploadBytes -= bytes.length;
        return true;
    }
}
