// SPDX-License-Identifier: MIT
// What an AbortSignal does to a job, wherever it is.
import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';

import {connect} from '../../client/node/lib/index.js';
import {eventually, PrivateDaemon} from './support/private_daemon.mjs';

const few = `credit_jobs = 4
`;

describe('a signal', () => {
    let daemon;
    let pool;
    before(async () => {
        daemon = await PrivateDaemon.start({settings: few});
        pool = await connect({socket: daemon.socket});
    });
    after(async () => {
        await pool.close({cancel: true});
        await daemon.remove();
    });

    const running = async () => (await pool.status()).pools[0].busy;

    it('stops a job that runs, and its command with it', async () => {
        const stop = new AbortController();
        const begun = new Promise((resolve) => {
            pool.run('exec', '', {
                args: {argv: ['sh', '-c', 'echo $$; exec sleep 1000']}, signal: stop.signal,
                onChunk: ({buffer}) => resolve(Number(buffer.toString())),
            }).catch((error) => error).then((error) => { ended = error; });
        });
        let ended;
        const pid = await begun;
        process.kill(pid, 0);
        stop.abort();
        await eventually(() => ended !== undefined);
        assert.equal(ended, stop.signal.reason);
        assert.equal(ended.name, 'AbortError');
        await eventually(() => {
            try {
                return !process.kill(pid, 0);
            } catch {
                return true;
            }
        });
        await eventually(async () => await running() === 0);
    });

    it('has its own reason, told at once', async () => {
        const stop = new AbortController();
        const job = pool.run('block', '', {signal: stop.signal});
        stop.abort(new Error('enough'));
        await assert.rejects(job, {message: 'enough'});
        await assert.rejects(pool.run('echo', '', {signal: AbortSignal.abort('before')}),
                             (reason) => reason === 'before');
        await eventually(async () => await running() === 0);
    });

    it('takes back what waits at the daemon and what waits here', async () => {
        const stop = new AbortController();
        const blocks = Promise.allSettled([1, 2].map(() => pool.run('block', '', {signal: stop.signal})));
        // The credit is 4: of these, two wait there.
        const out = new AbortController();
        const waiting = Promise.allSettled(
            Array.from({length: 6}, () => pool.run('echo', '', {signal: out.signal})));
        const last = pool.run('echo', 'last');
        await eventually(async () => (await pool.status()).pools[0].queued === 2);
        assert.ok(pool.needsDrain);
        out.abort();
        for (const {reason} of await waiting) assert.equal(reason, out.signal.reason);
        stop.abort();
        assert.equal((await last).text(), 'last');
        await blocks;
        const {succeeded} = (await pool.status()).pools[0];
        assert.equal(succeeded, 1, 'none of those that were taken back has run');
    });

    it('takes back a payload that is on its way', async () => {
        const stop = new AbortController();
        const big = pool.run('echo', Buffer.alloc(64 * 1024 * 1024), {signal: stop.signal});
        const small = pool.run('echo', 'small');
        stop.abort();
        await assert.rejects(big, {name: 'AbortError'});
        assert.equal((await small).text(), 'small');
        assert.equal((await pool.run('echo', Buffer.alloc(1 << 20))).buffer.length, 1 << 20);
    });

    it('has one listener, however many jobs have it, and none when they have ended', async () => {
        const {signal} = new AbortController();
        let listeners = 0;
        let most = 0;
        for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
            const real = signal[name];
            signal[name] = function count(...words) {
                listeners += step;
                most = Math.max(most, listeners);
                return real.apply(this, words);
            };
        }
        let warning;
        const hear = (each) => { warning = each; };
        process.on('warning', hear);
        await Promise.all(Array.from({length: 10_000}, () => pool.run('echo', '', {signal})));
        process.off('warning', hear);
        assert.equal(most, 1);
        assert.equal(listeners, 0);
        assert.equal(warning, undefined);
    });
});
