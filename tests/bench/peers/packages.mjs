// SPDX-License-Identifier: MIT
// Packages are where ./dev bench --install-peers has put them, not in the source tree.
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const place = path.join(process.env.JOBMILL_BENCH_NODE, 'package.json');

export const load = createRequire(place);

// Of a package that cannot be required: its entry, by its own description.
export async function importPackage(name)
{
    const directory = path.join(path.dirname(place), 'node_modules', name);
    const entry = load(path.join(directory, 'package.json')).exports['.'];
    const file =
        typeof entry === 'string' ? entry : entry.default ?? entry.import.default ?? entry.import;
    return import(pathToFileURL(path.join(directory, file)));
}
