// SPDX-License-Identifier: MIT
// A question to the daemon, and a payload that it is to keep: one answer, or an error.

export class Question {
    /** @param {string} answer the op of the answer */
    constructor(answer) {
        this.answer = answer;
        this.promise = new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
        });
    }
}
