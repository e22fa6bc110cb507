#include "layers/settings.hpp"

#include <limits>
#include <stdexcept>

namespace optotype {

namespace {

[[noreturn]] void reject(const std::string& name, const char* problem) {
  throw std::invalid_argument("setting " + name + " " + problem);
}

template <class T>
const T& get(const Setting& value, const std::string& name) {
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  reject(name, "has the wrong type");
}

int to_int(std::int64_t value, const std::string& name, int min, int max) {
  if (value < min || value > max) reject(name, "is out of range");
  return static_cast<int>(value);
}

}  // namespace

const Setting& Settings::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) reject(name, "is missing");
  return found->second;
}

bool Settings::flag(const std::string& name) const { return get<bool>(value(name), name); }

int Settings::integer(const std::string& name, int min, int max) const {
  return to_int(get<std::int64_t>(value(name), name), name, min, max);
}

float Settings::number(const std::string& name, float min, float max) const {
  const Setting& setting = value(name);
  const std::int64_t* integer = std::get_if<std::int64_t>(&setting);
  const float number = static_cast<float>(integer ? static_cast<double>(*integer) : get<double>(setting, name));
  if (!(number >= min && number <= max)) reject(name, "is out of range");
  return number;
}

const std::string& Settings::text(const std::string& name) const { return get<std::string>(value(name), name); }

std::pair<int, int> Settings::sides(const std::string& name) const {
  constexpr int kMax = std::numeric_limits<int>::max();
  const Setting& setting = value(name);
  if (const std::int64_t* side = std::get_if<std::int64_t>(&setting)) {
    const int sides = to_int(*side, name, 1, kMax);
    return {sides, sides};
  }
  const auto& [height, width] = get<std::pair<std::int64_t, std::int64_t>>(setting, name);
  return {to_int(height, name, 1, kMax), to_int(width, name, 1, kMax)};
}

}  // namespace optotype
