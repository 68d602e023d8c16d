// SPDX-License-Identifier: MIT
// One job for each item of an iterable, and their ends in the order in which they come.

/** Jobs for each worker, so that none waits for us. */
const perWorker = 2;

function iteratorOf(items) {
    const make = items?.[Symbol.asyncIterator] ?? items?.[Symbol.iterator];
    if (typeof make !== 'function') throw new TypeError('the items are not iterable');
    return make.call(items);
}

async function defaultBuffer(pool, name) {
    const {pools} = await pool.status();
    const one = pools.find((each) => each.name === name) ?? pools.find((each) => each.name === 'default') ??
        pools[0];
    return perWorker * Math.max(1, one?.workers ?? 1);
}

/** The same; the source is closed when nothing comes of it. */
async function bufferFor(source, pool, name) {
    try {
        return await defaultBuffer(pool, name);
    } catch (error) {
        // What is wrong with the pool is of more use than what its source has to add.
        await Promise.resolve().then(() => source.return?.()).catch(() => {});
        throw error;
    }
}

/** Pulls items while there is room, and keeps what ended until somebody takes it. */
class Stream {
    #begin;
    #items;
    #buffer;
    #count = 0;
    #underWay = 0;
    #ended = [];
    #pulling = false;
    #exhausted = false;
    #fault;
    #sourceFault;
    #wake = () => {};

    constructor(items, buffer, begin) {
        this.#items = items;
        this.#buffer = buffer;
        this.#begin = begin;
    }

    /** The next end; nothing after the last. What the source threw comes after all ends. */
    async next() {
        for (;;) {
            if (this.#fault) throw this.#fault.error;
            this.#pull();
            if (this.#ended.length > 0) return this.#ended.shift();
            if (this.#exhausted && this.#underWay === 0) {
                if (this.#sourceFault) throw this.#sourceFault.error;
                return undefined;
            }
            await new Promise((resolve) => {
                this.#wake = resolve;
            });
        }
    }

    /** Ends it, whatever its source does. */
    fail(error) {
        this.#fault = {error};
        this.#wake();
    }

    /** No further item is asked for; the source may tidy up, unless it is busy with the last one. */
    async close() {
        const open = !this.#exhausted;
        this.#exhausted = true;
        if (!open) return;
        const closed = this.#items.return?.();
        if (this.#pulling) Promise.resolve(closed).catch(() => {});
        else await closed;
    }

    async #pull() {
        if (this.#pulling) return;
        this.#pulling = true;
        try {
            while (!this.#exhausted && this.#underWay + this.#ended.length < this.#buffer) {
                const {done, value} = await this.#items.next();
                if (done) this.#exhausted = true;
                else if (!this.#exhausted) this.#start(value);
            }
        } catch (error) {
            this.#sourceFault = {error};
            this.#exhausted = true;
        }
        this.#pulling = false;
        this.#wake();
    }

    #start(item) {
        const index = this.#count++;
        this.#underWay += 1;
        const end = (outcome) => {
            this.#underWay -= 1;
            this.#ended.push({index, ...outcome});
            this.#wake();
        };
        this.#begin(item, index).then((value) => end({ok: true, value}), (error) => end({ok: false, error}));
    }
}

/** What is left is cancelled when its reader leaves, and the source is closed. */
export async function* imapUnordered(pool, handler, items, {buffer, each, signal, ...options}) {
    if (buffer !== undefined && !(Number.isSafeInteger(buffer) && buffer >= 1)) {
        throw new RangeError(`buffer is ${buffer}, and should be a whole number above 0`);
    }
    const source = iteratorOf(items);
    const stop = new AbortController();
    const stream = new Stream(source, buffer ?? await bufferFor(source, pool, options.pool), async (item, index) => {
        const {payload = item, ...own} = each === undefined ? {} : await each(item, index);
        if (own.signal !== undefined) throw new TypeError('signal is of all items, not of each');
        return pool.run(handler, payload, {...options, ...own, signal: stop.signal});
    });
    const leave = () => {
        stop.abort(signal.reason);
        stream.fail(signal.reason);
    };
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave);
    try {
        for (let end = await stream.next(); end !== undefined; end = await stream.next()) {
            yield end;
        }
    } finally {
        signal?.removeEventListener('abort', leave);
        stop.abort();
        await stream.close();
    }
}

/** The results in the order of the items; the first failure cancels the rest. */
export async function map(pool, handler, items, options) {
    const results = [];
    for await (const {index, ok, value, error} of imapUnordered(pool, handler, items, options)) {
        if (!ok) throw error;
        results[index] = value;
    }
    return results;
}
