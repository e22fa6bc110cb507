// Named settings of a layer, an optimizer or an augmentation, with the names of their specs in Python.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace optotype {

using Setting = std::variant<bool, std::int64_t, double, std::string, std::pair<std::int64_t, std::int64_t>>;

// Every accessor throws std::invalid_argument if the setting is missing, of another type or out of range.
class Settings {
 public:
  using Values = std::map<std::string, Setting>;

  explicit Settings(Values values) : values_(std::move(values)) {}

  bool has(const std::string& name) const { return values_.count(name) > 0; }

  bool flag(const std::string& name) const;
  int integer(const std::string& name, int min, int max) const;
  float number(const std::string& name, float min, float max) const;  // an integer also counts as a number
  const std::string& text(const std::string& name) const;
  // (height, width), or the side of a square.
  std::pair<int, int> sides(const std::string& name) const;

 private:
  const Setting& value(const std::string& name) const;

  Values values_;
};

// One layer as its Python spec describes it.
struct LayerDescription {
  std::string type;
  Settings settings;
};

}  // namespace optotype
