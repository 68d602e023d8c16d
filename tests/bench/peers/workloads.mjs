// SPDX-License-Identifier: MIT
// The workloads of ../workloads, for peers in Node. A peer has a name, start(workers), stop(), and
// call(job), a promise of its result; a job is {kind, argument}, and jobs.mjs does it. Where it has
// one, shared(bytes) makes the argument of many jobs with the same bytes.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';

const WORKERS = 2;
const EFFICIENT = 0.95;
const HOPELESS = 0.8;
const STEPS = 50;
const SIZES = [['1 KiB', 2 ** 10], ['64 KiB', 2 ** 16], ['1 MiB', 2 ** 20], ['64 MiB', 2 ** 26]];
const now = () => performance.now();

class Unsupported extends Error {}

function idealMs(microseconds, count, first)
{
    const words = ['spin', '2', microseconds, count, first].map(String);
    return JSON.parse(execFileSync(process.env.JOBMILL_STATIC_SPLIT, words)).makespan_ms;
}

function peakBytes()
{
    return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1]) * 1024;
}

class Measurement {
    constructor(peer, bench, part) { Object.assign(this, {peer, bench, part}); }

    say(figures, name = '')
    {
        const about = {bench: this.bench, peer: this.peer.name, ...(name ? {case: name} : {})};
        console.log(JSON.stringify({...about, ...figures}));
    }

    async run()
    {
        if (this.bench !== 'first_result') {
            await this.peer.start(WORKERS);
            await this.stream(16, 16, () => ({kind: 'spin', argument: 1000}));
            await this.stream(2000, 10, () => ({kind: 'noop'}));
        }
        await this[this.bench]();
        await this.peer.stop();
    }

    // At most `window` unfinished; results are taken as they come.
    stream(count, window, make, take = () => {})
    {
        return new Promise((resolve, reject) => {
            let submitted = 0;
            let done = 0;
            const submit = () => {
                this.peer.call(make(submitted++)).then((result) => {
                    take(result);
                    if (++done === count)
                        resolve();
                    else if (submitted < count)
                        submit();
                }, reject);
            };
            while (submitted < Math.min(count, window))
                submit();
        });
    }

    // Jobs a second, of as many as take about so long: more and more until they do.
  async rate(ms, first, run) {
    for (let count = first;;) {
      const start = now();
      await run(count);
      const took = now() - start;
      if (took > ms / 2) return (count * 1000) / took;
      count = Math.floor(count * Math.min(10, Math.max(2, ms / took)));
    }
  }

  noops(window) { return (count) => this.stream(count, window, () => ({kind: 'noop'})); }

    async round_trip()
    {
        const times = [];
        for (const end = now() + 1000 * this.part; now() < end;) {
            const start = now();
            await this.peer.call({kind: 'noop'});
            times.push((now() - start) * 1000);
        }
        times.sort((a, b) => a - b);
        const quantile = (part) => times[Math.floor(part * (times.length - 1))];
        this.say({
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            jobs: times.length
        });
    }

    async throughput()
    {
        for (const window of [1, 10, 100, 1000]) {
            const rate = await this.rate(500 * this.part, window * 2, this.noops(window));
            this.say({jobs_per_s: rate}, `1 client, window ${window}`);
        }
        this.say({skipped: 'one client in this program'});
    }

    async makespan(each, count, first)
    {
        const start = now();
        let heard;
        const make = (i) => ({kind: 'spin', argument: i === 0 ? first : each});
        await this.stream(count, count, make, () => (heard ??= now() - start));
        return {whole: now() - start, heard};
    }

    async five_ms()
    {
        const count = Math.max(8, Math.floor(300 * this.part));
        for (const [name, first] of [
                 ['uniform', 5000], ['first job long', Math.floor((5000 * count) / 4)]]) {
            const ideal = idealMs(5000, count, first);
            const {whole, heard} = await this.makespan(5000, count, first);
            this.say(
                {makespan_ms: whole, ideal_ms: ideal, of_ideal: ideal / whole, first_ms: heard},
                name);
        }
    }

    // As most of three runs have it; where the first is hopeless, the others are left out.
    async efficiency(each)
    {
        const count = Math.max(8, Math.floor((400 * this.part * WORKERS * 1000) / each));
        const seen = [];
        let reached = 0;
        while (reached < 2 && seen.length - reached < 2 && !(seen[0] < HOPELESS)) {
            seen.push(idealMs(each, count, each) / (await this.makespan(each, count, each)).whole);
            reached += seen.at(-1) >= EFFICIENT ? 1 : 0;
        }
        seen.sort((a, b) => a - b);
        return seen[(seen.length - 1) >> 1];
    }

    // Between steps of a tenth of a decade, from 1 us to 100 ms.
    async smallest_job()
    {
        let [tooSmall, enough, reached] = [-1, STEPS + 1, 0];
        while (enough - tooSmall > 1) {
            const step = (tooSmall + enough) >> 1;
            const efficiency = await this.efficiency(Math.round(10 ** (step / 10)));
            if (efficiency >= EFFICIENT)
                [enough, reached] = [step, efficiency];
            else
                tooSmall = step;
        }
        if (enough > STEPS)
            this.say({skipped: 'not even jobs of 100 ms run at 95 % of the ideal'});
        else
            this.say({smallest_us: Math.round(10 ** (enough / 10)), of_ideal: reached});
    }

    async echo()
    {
        for (const [name, size] of SIZES) {
            const payload = Buffer.alloc(size, 'e');
            const times = [];
            for (const end = now() + 500 * this.part; times.length < 3 || now() < end;) {
                const start = now();
                const back = await this.peer.call({kind: 'echo', argument: payload});
                times.push(now() - start);
                if (back.length !== size)
                    throw new Unsupported(`came back as ${back.length} bytes`);
            }
            times.sort((a, b) => a - b);
            this.say({ms: times[times.length >> 1]}, name);
        }
    }

    async same_input()
    {
        for (const [name, size] of SIZES.slice(2)) {
            const bytes = Buffer.alloc(size, 'i');
            const sum = (size / 4096) * bytes[0];
            const timeOf = async (count) => {
                const start = now();
                const argument = this.peer.shared?.(bytes) ?? bytes;
                await this.stream(count, 100, () => ({kind: 'peek', argument}), (found) => {
                    if (found !== sum)
                        throw new Error('a job has seen other bytes');
                });
                return now() - start;
            };
            let took = 0;
            // What is done once for all of them counts less and less.
            for (const count of [1, 10, 100, 1000])
                took = took * 10 > 5_000 * this.part ? Infinity : await timeOf(count);
            if (took === Infinity)
                this.say({skipped: 'would take too long'}, name);
            else
                this.say({ms: took}, name);
        }
    }

    async words()
    {
        const size = fs.statSync(process.env.JOBMILL_BENCH_TEXT).size;
        const step = 12 << 20;
        const count = Math.ceil(size / step);
        const counts = new Map();
        let words = 0;
        const start = now();
        await this.stream(
            count, count, (i) => ({kind: 'words', argument: [i * step, step]}), (some) => {
                for (const [word, times] of some) {
                    counts.set(word, (counts.get(word) ?? 0) + times);
                    words += times;
                }
            });
        this.say(
            {seconds: (now() - start) / 1000, words, distinct: counts.size},
            `${Math.round(size / 1e6)} MB`);
    }

    async drain()
    {
        const before = peakBytes();
        const rate = await this.rate(250, 2000, this.noops(1000));
        for (const count of [100_000, 1_000_000]) {
            const name = `${count} jobs`;
            if (count / rate > 5 * this.part) {
                this.say({skipped: 'would take too long'}, name);
                continue;
            }
            const start = now();
            await this.noops(count)(count);
            const jobs_per_s = (count * 1000) / (now() - start);
            this.say({jobs_per_s, broker_bytes_per_job: (peakBytes() - before) / count}, name);
        }
    }

    async killed() { throw new Unsupported('its workers are not killed in this program'); }

    async first_result()
    {
        const start = now();
        await this.peer.start(WORKERS);
        await this.peer.call({kind: 'noop'});
        this.say({ms: now() - start});
    }
}

export async function measure(peer)
{
    const [bench, part = '1'] = process.argv.slice(2);
    const measurement = new Measurement(peer, bench, Number(part));
    try {
        await measurement.run();
    } catch (error) {
        if (!(error instanceof Unsupported))
            throw error;
        measurement.say({skipped: error.message});
    }
    process.exit(0);
}
