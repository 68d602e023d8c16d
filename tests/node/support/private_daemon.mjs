// SPDX-License-Identifier: MIT
// A daemon in a directory of its own, from the build that $JOBMILL_BUILD names.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import net from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

export const build = process.env.JOBMILL_BUILD;
if (build === undefined) throw new Error('JOBMILL_BUILD is not set: the build to be tested');

// What a test of a job might have inherited.
for (const name of ['JOBMILL_SOCKET', 'JOBMILL_JOB', 'JOBMILL_NO_START']) delete process.env[name];

const twoWorkers = `[pool.default]
workers = 2
modules = ["${path.join(build, 'tests/modules/testhandlers.so')}"]
`;

/** Until it is true; 30 seconds are for a busy machine. */
export async function eventually(holds) {
    for (let turns = 0; turns < 1500; ++turns) {
        if (await holds()) return;
        await pause(20);
    }
    throw new Error(`never came true: ${holds}`);
}

function answers(socket) {
    return new Promise((resolve) => {
        const connection = net.connect(socket);
        connection.on('error', () => resolve(false));
        connection.on('connect', () => {
            connection.destroy();
            resolve(true);
        });
    });
}

export async function makePlace() {
    return mkdtemp(path.join(tmpdir(), 'jobmill-node-'));
}

export class PrivateDaemon {
    static async start({settings = '', pools = twoWorkers} = {}) {
        const daemon = new PrivateDaemon();
        daemon.place = await makePlace();
        daemon.socket = path.join(daemon.place, 'socket');
        await writeFile(path.join(daemon.place, 'jobmill.toml'), settings + pools);
        await daemon.begin();
        return daemon;
    }

    /** Again, after it was ended. */
    async begin() {
        // Should the test die, the daemon leaves.
        this.process = spawn(path.join(build, 'bin/jobmilld'), [
            '--config', path.join(this.place, 'jobmill.toml'), '--socket', this.socket,
            '--state-dir', this.place, '--idle-timeout', '60s',
        ], {stdio: ['ignore', 'ignore', 'pipe']});
        this.log = '';
        this.process.stderr.on('data', (text) => {
            this.log += text;
        });
        this.exited = once(this.process, 'exit');
        await eventually(async () => {
            if (this.process.exitCode !== null) throw new Error(`jobmilld: ${this.log}`);
            return answers(this.socket);
        });
    }

    /** With SIGKILL it leaves nobody a word. */
    async end(signal = 'SIGTERM') {
        this.process.kill(signal);
        await this.exited;
    }

    /** A file there. */
    path(name) {
        return path.join(this.place, name);
    }

    read(name) {
        return readFile(this.path(name), 'utf8');
    }

    async remove() {
        if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGKILL');
        await rm(this.place, {recursive: true});
    }
}
