// SPDX-License-Identifier: MIT
// A peer that says what a test has it say.
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import {rm} from 'node:fs/promises';

import {makePlace} from './private_daemon.mjs';

export const welcome = {
    op: 'welcome', version: 1, max_inline: 65536, max_frame: 262144, piece: 65536, max_payload: 1 << 30,
    credit_jobs: 1024, credit_bytes: 1 << 24, server: 'fake', pid: 1,
};

/** Greets, unless told otherwise, and calls `answer(message, say)` with all else. */
export class FakeDaemon {
    static async start(answer, {greets = true} = {}) {
        const fake = new FakeDaemon();
        fake.place = await makePlace();
        fake.socket = path.join(fake.place, 'socket');
        fake.heard = [];
        fake.sockets = new Set();
        fake.server = net.createServer((socket) => fake.#serve(socket, answer, greets));
        await new Promise((resolve) => {
            fake.server.listen(fake.socket, resolve);
        });
        return fake;
    }

    #serve(socket, answer, greets) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        const say = (...messages) => {
            for (const each of messages) {
                socket.write(typeof each === 'object' && !Buffer.isBuffer(each) ? JSON.stringify(each) + '\n' : each);
            }
        };
        say.end = () => socket.end();
        readline.createInterface({input: socket}).on('line', (line) => {
            const message = JSON.parse(line);
            this.heard.push(message);
            if (message.op === 'hello' && greets) say(welcome);
            else answer(message, say);
        });
    }

    async remove() {
        for (const socket of this.sockets) socket.destroy();
        await new Promise((resolve) => {
            this.server.close(resolve);
        });
        await rm(this.place, {recursive: true, force: true});
    }
}
