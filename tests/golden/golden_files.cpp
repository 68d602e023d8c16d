// SPDX-License-Identifier: MIT
// Writes the golden files that are missing, after a new message was added to the samples. It never
// touches one that is there: released bytes do not change.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/golden/samples.hpp"

namespace {

bool add(const std::filesystem::path& path, std::string_view contents)
{
    if (std::filesystem::exists(path)) {
        return true;
    }
    std::ofstream file{path, std::ios::binary};
    file << contents;
    std::printf("%s\n", path.c_str());
    return file.good();
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        (void)std::fprintf(stderr, "usage: golden_files DIRECTORY\n");
        return 2;
    }
    const std::filesystem::path directory{argv[1]};
    bool good = true;
    for (const jobmill::test::Sample& sample : jobmill::test::samples()) {
        const std::string name{sample.name};
        const jobmill::Bytes bytes = jobmill::test::encoded(sample.message);
        good = add(directory / (name + ".bin"), jobmill::text_of(bytes)) && good;
        if (!sample.json.empty()) {
            good = add(directory / (name + ".json"), sample.json + "\n") && good;
        }
    }
    return good ? 0 : 1;
}
