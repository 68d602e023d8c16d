// SPDX-License-Identifier: MIT
#include "tests/bench/floor/relay_master.hpp"

#include <uv.h>

#include <deque>
#include <memory>
#include <string>

#include "tests/bench/floor/frames.hpp"

namespace jobmill::bench {
namespace {

constexpr double ahead_ns = 300'000;
constexpr double most_ahead = 256;

class Master;

/// A socket with its frames in both directions.
struct End {
    Master* master = nullptr;
    bool is_worker = false;
    std::uint32_t number = 0;
    uv_pipe_t pipe{};
    Frames in;
    Frames out;
    // Of a worker only.
    double under_way = 0;
    double may_have = 1;
    std::uint64_t last_answer = 0;
};

/// What the socket did not take at once.
struct Rest {
    uv_write_t request{};
    std::string bytes;
};

class Master {
public:
    Master(std::span<const int> clients, std::span<const int> workers)
    {
        uv_loop_init(&loop_);
        for (const int fd : clients) {
            open(fd, clients_, false);
        }
        for (const int fd : workers) {
            open(fd, workers_, true);
        }
        uv_prepare_init(&loop_, &prepare_);
        prepare_.data = this;
        uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) {
            static_cast<Master*>(prepare->data)->end_turn();
        });
    }

    void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

private:
    void open(int fd, std::deque<End>& ends, bool is_worker)
    {
        End& end = ends.emplace_back();
        end.master = this;
        end.is_worker = is_worker;
        end.number = static_cast<std::uint32_t>(ends.size() - 1);
        uv_pipe_init(&loop_, &end.pipe, 0);
        uv_pipe_open(&end.pipe, fd);
        end.pipe.data = &end;
        uv_read_start(
            stream_of(end),
            [](uv_handle_t* handle, std::size_t /*size*/, uv_buf_t* buffer) {
                Frames& in = static_cast<End*>(handle->data)->in;
                *buffer = uv_buf_init(in.room(Frames::usual_read), Frames::usual_read);
            },
            [](uv_stream_t* stream, ssize_t size, const uv_buf_t* /*buffer*/) {
                End& from = *static_cast<End*>(stream->data);
                from.master->on_read(from, size);
            });
    }

    static uv_stream_t* stream_of(End& end) { return reinterpret_cast<uv_stream_t*>(&end.pipe); }

    void on_read(End& end, ssize_t size)
    {
        if (size < 0) {
            uv_stop(&loop_);
            return;
        }
        end.in.added(static_cast<std::size_t>(size));
        double frames = 0;
        while (const auto frame = end.in.next()) {
            if (end.is_worker) {
                clients_[frame->header.client].out.add(frame->header, frame->body);
                ++frames;
            } else {
                queue_.add({.client = end.number}, frame->body);
            }
        }
        if (frames > 0) {
            answered(end, frames);
        }
    }

    static void answered(End& worker, double frames)
    {
        const std::uint64_t now = uv_hrtime();
        const double each = static_cast<double>(now - worker.last_answer) / frames;
        worker.last_answer = now;
        worker.under_way -= frames;
        worker.may_have =
            std::clamp(ahead_ns / (each + 1), 1.0, std::min(most_ahead, worker.may_have * 2));
    }

    void end_turn()
    {
        for (std::size_t full = 0; full < workers_.size();) {
            End& worker = workers_[turn_++ % workers_.size()];
            if (worker.under_way >= worker.may_have) {
                ++full;
                continue;
            }
            const auto frame = queue_.next();
            if (!frame) {
                break;
            }
            worker.last_answer = worker.under_way == 0 ? uv_hrtime() : worker.last_answer;
            worker.out.add(frame->header, frame->body);
            ++worker.under_way;
            full = 0;
        }
        for (End& end : workers_) {
            write(end);
        }
        for (End& end : clients_) {
            write(end);
        }
    }

    static void write(End& end)
    {
        std::string_view bytes = end.out.bytes();
        if (bytes.empty()) {
            return;
        }
        uv_buf_t buffer =
            uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
        const int written = uv_try_write(stream_of(end), &buffer, 1);
        bytes.remove_prefix(static_cast<std::size_t>(std::max(written, 0)));
        if (!bytes.empty()) {
            auto rest = std::make_unique<Rest>();
            rest->bytes = bytes;
            buffer = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
            rest->request.data = rest.get();
            if (uv_write(&rest->request, stream_of(end), &buffer, 1,
                         [](uv_write_t* request, int /*status*/) {
                             delete static_cast<Rest*>(request->data);
                         }) == 0) {
                (void)rest.release();
            }
        }
        end.out.drop(end.out.bytes().size());
    }

    uv_loop_t loop_{};
    uv_prepare_t prepare_{};
    std::deque<End> clients_;
    std::deque<End> workers_;
    Frames queue_;
    std::size_t turn_ = 0;
};

}  // namespace

void run_relay_master(std::span<const int> clients, std::span<const int> workers)
{
    // Never taken apart: the process ends with it.
    (new Master{clients, workers})->run();
}

}  // namespace jobmill::bench
