// SPDX-License-Identifier: MIT
// How a pool ends, and what it does when its daemon does.
import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmod, mkdir, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {afterEach, beforeEach, describe, it} from 'node:test';

import {Busy, Cancelled, connect, DaemonGone, Pool, PoolClosed} from '../../client/node/lib/index.js';
import {build, eventually, makePlace, PrivateDaemon} from './support/private_daemon.mjs';

const library = new URL('../../client/node/lib/index.js', import.meta.url);

/** A program of its own: what it printed, once it has left by itself. */
function program(text, env) {
    return new Promise((resolve, reject) => {
        const words = ['--input-type=module', '--eval', `import {connect, Pool} from '${library}';\n${text}`];
        execFile(process.execPath, words, {env: {...process.env, ...env}, timeout: 60_000},
                 (error, stdout, stderr) => (error ? reject(new Error(stderr || error.message)) : resolve(stdout)));
    });
}

describe('the end of a daemon', () => {
    let daemon;
    beforeEach(async () => {
        daemon = await PrivateDaemon.start({settings: 'credit_jobs = 4\ndrain_timeout = "1ms"\n'});
    });
    afterEach(() => daemon.remove());

    it('by a kill rejects everything, and the next job finds the next one', async () => {
        const pool = await connect({socket: daemon.socket});
        const begun = new Promise((resolve) => {
            pool.once('started', resolve);
        });
        const ends = Promise.allSettled([...Array.from({length: 10}, () => pool.run('block')), pool.status()]);
        await begun;
        await daemon.end('SIGKILL');
        const gone = (await ends).filter(({reason}) => reason instanceof DaemonGone);
        assert.ok(gone.length >= 10);
        await assert.rejects(pool.run('echo'), (error) => {
            assert.ok(error instanceof DaemonGone);
            assert.match(error.message, /no daemon: tried .*socket .*; start one with: jobmill daemon start/);
            return true;
        });
        await daemon.begin();
        assert.equal((await pool.run('echo', 'again')).text(), 'again');
        await pool.close();
    });

    it('that stops in good order cancels what it took, and the rest fails where no next one comes', async () => {
        const pool = await connect({socket: daemon.socket, connectTimeout: 3000});
        const begun = new Promise((resolve) => {
            pool.once('started', resolve);
        });
        const blocks = Array.from({length: 4}, () => pool.run('exec', '', {args: {argv: ['sleep', '1000']}}));
        const stopped = Promise.allSettled(blocks);
        const waiting = pool.run('echo', 'kept');
        await begun;
        daemon.process.kill('SIGTERM');
        for (const {reason} of await stopped) {
            assert.ok(reason instanceof Cancelled, String(reason));
            assert.equal(reason.kind, 'stopping');
        }
        // There is no next one.
        await assert.rejects(waiting, DaemonGone);
        await daemon.exited;
        await pool.close();
    });

    it('that stops leaves what it had not taken to the next one, which may be slow to come', async () => {
        const pool = await connect({socket: daemon.socket});
        const begun = new Promise((resolve) => {
            pool.once('started', resolve);
        });
        const taken = Promise.allSettled(Array.from({length: 4}, () => pool.run('block')));
        const kept = Promise.all(Array.from({length: 6}, (_, i) => pool.run('echo', String(i))));
        await begun;
        await daemon.end();
        assert.equal(pool.needsDrain, true);
        await daemon.begin();
        for (const {reason} of await taken) assert.equal(reason.kind, 'stopping');
        assert.deepEqual((await kept).map((result) => result.text()), ['0', '1', '2', '3', '4', '5']);
        await pool.close();
    });

    it('is not looked for when nothing waits for it any more', async () => {
        const pool = await connect({socket: daemon.socket});
        const begun = new Promise((resolve) => {
            pool.once('started', resolve);
        });
        const stopped = Promise.allSettled(Array.from({length: 4}, () => pool.run('block')));
        const waiting = [pool.run('echo'), pool.run('echo')].map((job) => assert.rejects(job, PoolClosed));
        await begun;
        await daemon.end();
        await stopped;
        await pool.close({cancel: true});
        await Promise.all(waiting);
    });

    it('does not hold up who closes the pool', async () => {
        const pool = await connect({socket: daemon.socket});
        const job = assert.rejects(pool.run('block'), DaemonGone);
        await pool.ping();
        const closed = pool.close();
        await daemon.end('SIGKILL');
        await Promise.all([job, closed]);
    });
});

describe('the end of a pool', () => {
    let daemon;
    beforeEach(async () => {
        daemon = await PrivateDaemon.start({settings: 'credit_jobs = 2\n'});
    });
    afterEach(() => daemon.remove());

    it('waits for what was taken and takes no more', async () => {
        const pool = new Pool({socket: daemon.socket});
        const jobs = Array.from({length: 10}, (_, i) => pool.run('echo', i));
        const closed = pool.close();
        await assert.rejects(pool.run('echo'), PoolClosed);
        await assert.rejects(pool.put('words'), PoolClosed);
        await closed;
        assert.equal((await Promise.all(jobs)).length, 10);
        await assert.rejects(pool.ping(), PoolClosed);
        await pool.close();
    });

    it('may cancel what runs and what waits', async () => {
        const pool = await connect({socket: daemon.socket});
        const blocks = Promise.allSettled([pool.run('block'), pool.run('block')]);
        const waiting = assert.rejects(pool.run('echo'), PoolClosed);
        await pool.ping();
        await pool.close({cancel: true});
        for (const {reason} of await blocks) assert.ok(reason instanceof Cancelled);
        await waiting;
        const other = await connect({socket: daemon.socket});
        assert.equal((await other.status()).pools[0].busy, 0);
        await other.close();
    });

    it('comes with the end of its block, where the language has that', {skip: !Symbol.asyncDispose}, async () => {
        const pool = await connect({socket: daemon.socket});
        await pool[Symbol.asyncDispose]();
        await assert.rejects(pool.run('echo'), PoolClosed);
    });

    it('is not needed for a program to leave when nothing is unfinished', async () => {
        const out = await program(`
            const pool = await connect({socket: '${daemon.socket}'});
            const {signal} = new AbortController();
            for await (const {value} of pool.imapUnordered('echo', ['a'], {signal})) console.log(value.text());
            pool.run('sleep', '50ms').then(() => console.log('slept'));
        `);
        assert.equal(out, 'a\nslept\n');
    });

    it('leaves no job behind when its program is killed', async () => {
        const child = spawn(process.execPath, ['--input-type=module', '--eval', `
            import {connect} from '${library}';
            const pool = await connect({socket: '${daemon.socket}'});
            pool.run('block', '', {onStarted: () => console.log('begun')});
        `], {stdio: ['ignore', 'pipe', 'inherit']});
        await once(child.stdout, 'data');
        child.kill('SIGKILL');
        await once(child, 'exit');
        const pool = await connect({socket: daemon.socket});
        await eventually(async () => (await pool.status()).pools[0].busy === 0);
        await pool.close();
    });
});

describe('a daemon', () => {
    let place;
    let env;
    beforeEach(async () => {
        place = await makePlace();
        env = {XDG_RUNTIME_DIR: place, XDG_STATE_HOME: place, XDG_CONFIG_HOME: place, HOME: place,
               PATH: `${path.join(build, 'bin')}:${process.env.PATH}`};
    });
    afterEach(async () => {
        await new Promise((resolve) => {
            execFile(path.join(build, 'bin/jobmill'), ['daemon', 'stop'], {env: {...process.env, ...env}}, resolve);
        });
        await rm(place, {recursive: true});
    });

    it('is started at its user\'s own place when there is none', async () => {
        const out = await program(`console.log((await new Pool().run('sum', 4)).text())`, env);
        assert.equal(out, '10\n');
    });

    it('that stops in good order leaves what it had not taken to the next one', async () => {
        await mkdir(path.join(place, 'jobmill'), {mode: 0o700});
        await writeFile(path.join(place, 'jobmill/jobmill.toml'),
                        'credit_jobs = 2\ndrain_timeout = "1ms"\n[pool.default]\nworkers = 2\n');
        const out = await program(`
            import {execFile} from 'node:child_process';
            const pool = new Pool();
            const begun = new Promise((resolve) => pool.once('started', resolve));
            const taken = [1, 2].map(() => pool.run('exec', '', {args: {argv: ['sleep', '1000']}})
                                               .catch((error) => error.kind));
            const kept = pool.run('echo', 'kept');
            await begun;
            execFile('jobmill', ['daemon', 'stop']);
            console.log(...await Promise.all(taken), (await kept).text());
        `, env);
        assert.equal(out, 'stopping stopping kept\n');
    });

    it('is not started where nobody wants that, and the error says where it was looked for', async () => {
        const own = path.join(place, 'jobmill/jobmill.sock');
        const look = (options) => `await connect(${options}).catch((error) => console.log(error.code, error.message))`;
        for (const [options, more] of [['{start: false}', {}], ['{}', {JOBMILL_NO_START: '1'}]]) {
            const out = await program(look(options), {...env, ...more});
            assert.ok(out.startsWith(`ENOENT no daemon: tried ${own} (no daemon there), ` +
                                     '/run/jobmill/jobmill.sock ('), out);
            assert.match(out, /start one with: jobmill daemon start, or: jobmilld --socket /);
        }
        const out = await program(look('{}'), {...env, JOBMILL_SOCKET: path.join(place, 'other')});
        assert.ok(out.startsWith(`ENOENT no daemon: tried ${place}/other (no daemon there);`), out);
        const without = await program(look('{}'), {...env, PATH: path.dirname(process.execPath) + '/nowhere'});
        assert.match(without, /there is no jobmill in PATH/);
    });

    it('is not looked for where others may have put one', async () => {
        await mkdir(path.join(place, 'jobmill'));
        await chmod(path.join(place, 'jobmill'), 0o777);
        const out = await program(`await connect().catch((error) => console.log(error.message))`, env);
        assert.match(out, /may be written by others/);
        await assert.rejects(connect({socket: 'relative'}), TypeError);
        await assert.rejects(connect({socket: `/${'x'.repeat(200)}`}), RangeError);
    });

    it('that is full says so', async () => {
        const daemon = await PrivateDaemon.start({settings: 'max_sessions = 1\n'});
        let first;
        // Who asked whether it is there may not have been forgotten yet.
        await eventually(async () => {
            first = await connect({socket: daemon.socket}).catch(() => undefined);
            return first !== undefined;
        });
        await assert.rejects(connect({socket: daemon.socket}), (error) => error instanceof Busy);
        await first.close();
        await daemon.remove();
    });
});
