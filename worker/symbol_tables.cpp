// SPDX-License-Identifier: MIT
#include "worker/symbol_tables.hpp"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "common/unique_fd.hpp"

namespace jobmill {
namespace {

using FileHeader = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

struct Table {
    std::uintptr_t base = 0;  ///< what the loader added to the addresses in the file
    std::span<const Symbol> symbols;
    std::span<const char> names;  ///< ends with a zero
};

std::array<Table, 128> tables;
std::size_t table_count = 0;

/// The bytes of a file, which stay mapped unless it is refused.
class MappedFile {
public:
    explicit MappedFile(const char* path)
    {
        const UniqueFd file{::open(path, O_RDONLY | O_CLOEXEC)};
        struct stat status {};
        if (!file || ::fstat(file.get(), &status) != 0 || status.st_size <= 0) {
            return;
        }
        const auto size = static_cast<std::size_t>(status.st_size);
        void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
        if (start != MAP_FAILED) {
            bytes_ = {static_cast<const std::byte*>(start), size};
        }
    }
    void refuse() const { (void)::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size()); }

    /// `count` of T at `offset`; none when the file does not have them.
    template <typename T>
    [[nodiscard]] std::span<const T> at(std::size_t offset, std::size_t count) const
    {
        const bool inside = offset <= bytes_.size() && offset % alignof(T) == 0 &&
                            count <= (bytes_.size() - offset) / sizeof(T);
        if (!inside || count == 0) {
            return {};
        }
        const void* const first = bytes_.data() + offset;
        return {static_cast<const T*>(first), count};
    }

private:
    std::span<const std::byte> bytes_;
};

/// The table for debuggers, if the file has a sound one.
Table find_table(const MappedFile& file)
{
    Table table;
    const auto header = file.at<FileHeader>(0, 1);
    if (header.empty() || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0) {
        return table;
    }
    const auto sections = file.at<Section>(header[0].e_shoff, header[0].e_shnum);
    for (const Section& section : sections) {
        if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) {
            continue;
        }
        const Section& strings = sections[section.sh_link];
        table.symbols = file.at<Symbol>(section.sh_offset, section.sh_size / sizeof(Symbol));
        table.names = file.at<char>(strings.sh_offset, strings.sh_size);
    }
    if (table.names.empty() || table.names.back() != '\0') {
        table.symbols = {};
    }
    return table;
}

int map_table(dl_phdr_info* object, std::size_t /*size*/, void* /*context*/)
{
    const bool is_program = object->dlpi_name == nullptr || *object->dlpi_name == '\0';
    const MappedFile file{is_program ? "/proc/self/exe" : object->dlpi_name};
    Table table = find_table(file);
    if (table.symbols.empty()) {
        file.refuse();
        return 0;
    }
    table.base = object->dlpi_addr;
    tables[table_count++] = table;
    return table_count == tables.size() ? 1 : 0;
}

bool is_function_at(const Symbol& symbol, std::uintptr_t value) noexcept
{
    return (symbol.st_info & 0xfU) == STT_FUNC && value >= symbol.st_value &&
           value - symbol.st_value < symbol.st_size;
}

}  // namespace

void map_symbol_tables()
{
    if (table_count == 0) {
        (void)::dl_iterate_phdr(map_table, nullptr);
    }
}

FoundSymbol find_symbol(std::uintptr_t address) noexcept
{
    for (const Table& table : std::span{tables}.first(table_count)) {
        const std::uintptr_t value = address - table.base;
        const auto found =
            std::find_if(table.symbols.begin(), table.symbols.end(),
                         [&](const Symbol& symbol) { return is_function_at(symbol, value); });
        if (found != table.symbols.end() && found->st_name < table.names.size()) {
            return {table.names.data() + found->st_name, table.base + found->st_value};
        }
    }
    return {};
}

}  // namespace jobmill
