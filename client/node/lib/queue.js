// SPDX-License-Identifier: MIT
// Jobs that wait for the credit of a session, in the order of their coming.

/** Long queues are cut seldom: what was taken stays in front of the rest until it is half of all. */
const fewest = 1024;

export class JobQueue {
    #jobs = [];
    #taken = 0;

    push(job) {
        this.#jobs.push(job);
    }

    /** Back to the front. */
    putBack(jobs) {
        this.#jobs.splice(0, this.#taken, ...jobs);
        this.#taken = 0;
    }

    /** The next one that is still wanted. */
    get first() {
        while (this.#taken < this.#jobs.length && this.#jobs[this.#taken].settled) this.shift();
        return this.#jobs[this.#taken];
    }

    shift() {
        const job = this.#jobs[this.#taken];
        this.#jobs[this.#taken] = undefined;
        this.#taken += 1;
        if (this.#taken >= fewest && this.#taken * 2 >= this.#jobs.length) {
            this.#jobs.splice(0, this.#taken);
            this.#taken = 0;
        }
        return job;
    }

    get isEmpty() {
        return this.first === undefined;
    }

    rejectAll(error) {
        const jobs = this.#jobs.splice(this.#taken);
        this.#jobs = [];
        this.#taken = 0;
        for (const job of jobs) job.reject(error);
    }
}
