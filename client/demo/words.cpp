// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include "client/commands/outcome.hpp"
#include "client/commands/progress_bar.hpp"
#include "client/demo/counts.hpp"
#include "client/demo/demo_parts.hpp"

namespace jobmill::demo {
namespace {

namespace fs = std::filesystem;

/// Of larger files, so much is a job.
constexpr std::uint64_t range_size = std::uint64_t{1} << 20U;
constexpr std::uint64_t largest_file = std::uint64_t{32} << 20U;

struct Text {
    std::string path;
    std::uint64_t size = 0;
};

bool is_text(const fs::path& path)
{
    static constexpr std::array<std::string_view, 14> extensions{
        ".h",  ".hpp", ".txt", ".md",  ".html", ".py",  ".pl",
        ".pm", ".c",   ".cpp", ".rst", ".tex",  ".xml", ".pod"};
    const std::string extension = path.extension().string();
    return path.filename() == "copyright" ||
           std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

std::vector<Text> text_files(std::uint64_t most)
{
    std::vector<Text> texts;
    for (const char* root : {"/usr/share", "/usr/include"}) {
        std::error_code error;
        fs::recursive_directory_iterator at{root, fs::directory_options::skip_permission_denied,
                                            error};
        for (; !error && at != fs::recursive_directory_iterator{} && texts.size() < most;
             at.increment(error)) {
            std::error_code ignored;
            if (at->is_symlink(ignored) || !at->is_regular_file(ignored) || !is_text(at->path())) {
                continue;
            }
            const std::uint64_t size = at->file_size(ignored);
            if (!ignored && size > 0 && size < largest_file) {
                texts.push_back({at->path().string(), size});
            }
        }
    }
    return texts;
}

/// Submits as long as there is credit, merges as results come.
class WordCount {
public:
    WordCount(Client& client, const std::vector<Text>& texts) : client_(client), texts_(texts) {}

    [[nodiscard]] Result<void> run()
    {
        commands::ProgressBar bar{true};
        while (file_ < texts_.size() || client_.unfinished() > 0) {
            while (file_ < texts_.size() && client_.can_submit(0)) {
                JOBMILL_TRY(submit_range());
            }
            JOBMILL_TRY_ASSIGN(const ClientEvent event, next_or_stop(client_));
            JOBMILL_TRY(on(event));
            bar.draw("words  ", file_, texts_.size());
        }
        return {};
    }

    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

private:
    Result<void> submit_range()
    {
        const Text& text = texts_[file_];
        const std::uint64_t length = std::min(range_size, text.size - offset_);
        JOBMILL_TRY(client_.submit(
            {.handler = "text.wordcount",
             .args = {{"path", text.path}, {"offset", offset_}, {"length", length}}}));
        offset_ += length;
        if (offset_ >= text.size) {
            offset_ = 0;
            ++file_;
        }
        return {};
    }

    Result<void> on(const ClientEvent& event)
    {
        if (const auto* error = std::get_if<event::JobError>(&event)) {
            return fail(Errc::invalid, commands::text_of_error(error->error));
        }
        if (const auto* result = std::get_if<event::JobResult>(&event)) {
            // A file may vanish or be unreadable; that is one job's failure.
            if (result->state != JobState::succeeded || !counts_.merge(text_of(result->payload))) {
                ++failures_;
            }
        }
        return {};
    }

    Client& client_;
    const std::vector<Text>& texts_;
    std::size_t file_ = 0;
    std::uint64_t offset_ = 0;
    Counts counts_;
    std::size_t failures_ = 0;
};

}  // namespace

Result<bool> words(Client& client, std::uint64_t most_files)
{
    const std::vector<Text> texts = text_files(most_files);
    std::uint64_t bytes = 0;
    for (const Text& text : texts) {
        bytes += text.size;
    }
    const auto start = std::chrono::steady_clock::now();
    WordCount count{client, texts};
    JOBMILL_TRY(count.run());
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    std::string line = "words  " + std::to_string(bytes / 1'000'000) + " MB, " +
                       std::to_string(texts.size()) + " files, " +
                       commands::duration_text(static_cast<std::uint64_t>(took.count())) + ":";
    for (const auto& [word, times] : count.counts().largest(10)) {
        line += (line.back() == ':' ? " " : ", ") + word + " " + std::to_string(times);
    }
    print(line);
    if (count.failures() > 0) {
        print("       " + std::to_string(count.failures()) + " could not be read");
    }
    return count.failures() < std::max<std::size_t>(1, texts.size() / 2);
}

}  // namespace jobmill::demo
