// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace jobmill::tests {

/// A directory of its own (mode 0700) that goes with the test.
class TempDirectory {
public:
    TempDirectory()
    {
        std::string name = "/tmp/jobmill-test-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TempDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const
    {
        return path_ + "/" + std::string{name};
    }

    /// Writes a file, making the directories that it lies in.
    // NOLINTNEXTLINE(modernize-use-nodiscard): its name is not always wanted
    std::string write(std::string_view name, std::string_view content) const
    {
        std::string file = *this / name;
        std::filesystem::create_directories(std::filesystem::path{file}.parent_path());
        std::ofstream{file, std::ios::binary} << content;
        return file;
    }
    [[nodiscard]] std::string read(std::string_view name) const
    {
        const std::ifstream file{*this / name};
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }

private:
    std::string path_;
};

}  // namespace jobmill::tests
