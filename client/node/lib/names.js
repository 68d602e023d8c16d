// SPDX-License-Identifier: MIT
// Names of the protocol as this language spells them.

/** @param {string} name such as exit_code */
export function camelCase(name) {
    return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
