// The Python module `_core`: a thin layer of argument conversions over the engine.
//
// Arguments are checked here and in the constructors as far as memory safety depends on them. Python checks their
// meaning.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <variant>

#include "network/predictor.hpp"
#include "network/trainer.hpp"
#include "threads/thread_mode.hpp"

namespace nb = nanobind;

namespace optotype {

namespace {

template <class T, int dimensions>
using Array = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
template <int dimensions>
using OutputArray = nb::ndarray<float, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
using ImageArray = std::variant<Array<std::uint8_t, 4>, Array<float, 4>>;
using Report = std::optional<nb::typed<nb::callable, nb::object(std::int64_t)>>;
using Totals = std::tuple<double, std::int64_t, std::int64_t, std::int64_t, bool>;

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

// Handles signals and calls the Python callback. An exception, also that of Ctrl-C, is stored until the work has
// stopped.
class PythonReporter final : public Reporter {
 public:
  explicit PythonReporter(const Report& report) : report_(report) {}

  bool report(std::int64_t images_done) override {
    const nb::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (report_) (*report_)(images_done);
      return true;
    } catch (nb::python_error& error) {
      error_.emplace(std::move(error));
      return false;
    }
  }

  void rethrow() {
    if (error_) throw std::move(*error_);
  }

 private:
  const Report& report_;
  std::optional<nb::python_error> error_;
};

// A network with what trains it and what predicts with it. `mutex` admits one caller at a time.
struct Engine {
  Engine(Shape input, const std::vector<LayerDescription>& layers, const Kernels& kernels, int threads, bool bf16)
      : network(input, layers, kernels, bf16), pool(threads, network.bf16_kernels()), predictor(network, pool) {}

  Network network;
  Pool pool;
  Predictor predictor;
  std::optional<Trainer> trainer;
  std::mutex mutex;
};

const Kernels& kernels_by_name(const std::string& isa) {
  const Kernels* kernels = find_kernels(isa.c_str());
  if (!kernels) throw std::invalid_argument("this processor has no kernels named " + isa);
  return *kernels;
}

std::vector<std::string> available_isas() {
  int count = 0;
  const Kernels* const* tables = available_kernels(&count);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(tables[i]->name);
  return names;
}

Images view_images(Shape shape, const ImageArray& images) {
  return std::visit(
      [&](const auto& array) {
        require(array.shape(1) == static_cast<std::size_t>(shape.height) &&
                    array.shape(2) == static_cast<std::size_t>(shape.width) &&
                    array.shape(3) == static_cast<std::size_t>(shape.channels),
                "the shape of the images differs from the input of the network");
        Images view = {nullptr, nullptr, static_cast<std::int64_t>(array.shape(0))};
        if constexpr (std::is_same_v<std::decay_t<decltype(array)>, Array<float, 4>>)
          view.floats = array.data();
        else
          view.bytes = array.data();
        return view;
      },
      images);
}

bool all_below(const Array<std::int64_t, 1>& indices, std::int64_t count) {
  const std::int64_t* first = indices.data();
  return std::all_of(first, first + indices.shape(0), [&](std::int64_t i) { return i >= 0 && i < count; });
}

// `self` is uninitialized memory that nanobind has allocated.
void construct(Engine* self, const std::vector<int>& input_shape,
               const std::vector<std::pair<std::string, Settings::Values>>& layers, const std::string& isa, int threads,
               bool bf16) {
  require(input_shape.size() == 3 && *std::min_element(input_shape.begin(), input_shape.end()) > 0,
          "an input has height, width and channels, each at least 1");
  require(threads > 0, "the number of threads must be at least 1");
  const Kernels& kernels = kernels_by_name(isa);
  require(!bf16 || kernels.bf16, "these kernels do not support bfloat16");
  std::vector<LayerDescription> descriptions;
  for (const auto& [type, settings] : layers) descriptions.push_back({type, Settings(settings)});
  new (self) Engine({input_shape[0], input_shape[1], input_shape[2]}, descriptions, kernels, threads, bf16);
}

void compile(Engine& engine, const std::string& optimizer, Settings::Values settings, int batch_size,
             std::optional<Settings::Values> augmentation) {
  require(batch_size > 0, "the batch size must be at least 1");
  const Optimizer made = make_optimizer(optimizer, Settings(std::move(settings)));
  std::optional<Augmentation> parsed;
  if (augmentation) parsed = parse_augmentation(Settings(std::move(*augmentation)));
  const nb::gil_scoped_release release;
  const std::lock_guard lock(engine.mutex);
  engine.trainer.emplace(engine.network, engine.pool, made, batch_size, parsed);
}

// The checks that keep every index of an epoch inside its array.
void check_epoch(const Engine& engine, const Images& images, const Array<std::int32_t, 1>& labels,
                 const Array<std::int64_t, 1>& order, std::size_t rates) {
  require(engine.trainer.has_value(), "compile the network before training it");
  require(labels.shape(0) == static_cast<std::size_t>(images.count), "the numbers of labels and images differ");
  const std::size_t batch_size = engine.trainer->batch_size();
  require(rates >= (order.shape(0) + batch_size - 1) / batch_size, "there are fewer learning rates than steps");
  require(all_below(order, images.count), "the order contains the index of an image that does not exist");
  const std::int32_t classes = engine.network.output().channels, *label = labels.data();
  require(std::all_of(label, label + labels.shape(0), [&](std::int32_t l) { return l >= 0 && l < classes; }),
          "a label is not one of the classes of the network");
}

Totals train_epoch(Engine& engine, const ImageArray& images, const Array<std::int32_t, 1>& labels,
                   const Array<std::int64_t, 1>& order, const Array<float, 1>& learning_rates, std::uint64_t key,
                   float scale, const Report& report) {
  const Images view = view_images(engine.network.input(), images);
  const Epoch epoch = {labels.data(), order.data(), static_cast<std::int64_t>(order.shape(0)), learning_rates.data(),
                       key};
  PythonReporter reporter(report);
  EpochTotals totals;
  {
    const nb::gil_scoped_release release;
    const std::lock_guard lock(engine.mutex);
    check_epoch(engine, view, labels, order, learning_rates.shape(0));
    totals = engine.trainer->train_epoch(view, scale, epoch, reporter);
  }
  reporter.rethrow();
  return {totals.loss, totals.correct, totals.images, totals.steps, totals.finite};
}

void predict(Engine& engine, const ImageArray& images, float scale, const OutputArray<2>& outputs,
             const std::optional<OutputArray<2>>& features, const Report& report, bool bf16) {
  const Images view = view_images(engine.network.input(), images);
  const auto has_shape = [&](const OutputArray<2>& rows, Shape shape) {
    return rows.shape(0) == static_cast<std::size_t>(view.count) &&
           rows.shape(1) == static_cast<std::size_t>(shape.size());
  };
  require(has_shape(outputs, engine.network.output()), "the array for the outputs has the wrong shape");
  require(!features || has_shape(*features, engine.network.features()),
          "the array for the features has the wrong shape");
  require(!bf16 || engine.network.bf16_kernels(), "the network does not support bfloat16");
  PythonReporter reporter(report);
  {
    const nb::gil_scoped_release release;
    const std::lock_guard lock(engine.mutex);
    engine.predictor.predict(view, scale, {outputs.data(), features ? features->data() : nullptr}, reporter, bf16);
  }
  reporter.rethrow();
}

Layer& layer_with_parameter(const Engine& engine, int layer, int index, std::size_t size) {
  Layer& found = engine.network.layer(layer);
  require(index >= 0 && index < found.parameter_count() && size == found.parameter_size(index),
          "there is no such parameter of this size");
  return found;
}

void read_parameter(const Engine& engine, int layer, int index, const OutputArray<1>& out) {
  layer_with_parameter(engine, layer, index, out.shape(0)).read_parameter(index, out.data());
}

void write_parameter(const Engine& engine, int layer, int index, const Array<float, 1>& values) {
  layer_with_parameter(engine, layer, index, values.shape(0)).write_parameter(index, values.data());
}

void augment(const ImageArray& images, const Array<std::int64_t, 1>& indices, Settings::Values augmentation,
             std::uint64_t key, float scale, const std::string& isa, const OutputArray<4>& out) {
  const Shape shape = {static_cast<int>(out.shape(1)), static_cast<int>(out.shape(2)), static_cast<int>(out.shape(3))};
  const Images view = view_images(shape, images);
  require(shape.size() > 0 && out.shape(0) == indices.shape(0), "the output has the wrong shape");
  require(all_below(indices, view.count), "an index is that of an image that does not exist");
  Augmenter augmenter(shape, parse_augmentation(Settings(std::move(augmentation))), kernels_by_name(isa), 1);
  const nb::gil_scoped_release release;
  const ThreadMode mode(nullptr);
  for (std::size_t i = 0; i < indices.shape(0); ++i)
    augmenter.apply(view, scale, indices.data()[i], key, 0, out.data() + static_cast<std::ptrdiff_t>(i) * shape.size());
}

}  // namespace

}  // namespace optotype

NB_MODULE(_core, m) {
#ifdef NDEBUG
  // A process may end while one of its threads still holds a network; nanobind would report that as a leak.
  nb::set_leak_warnings(false);
#endif
  using namespace optotype;
  using namespace nb::literals;
  m.doc() = "The native engine. `optotype.engine` wraps it; arguments are checked here for memory safety only.";
  m.def("available_isas", &available_isas,
        "Return the names of the instruction sets that this processor can run, the fastest last.");
  m.def("augment", &augment, "images"_a, "indices"_a, "augmentation"_a, "key"_a, "scale"_a, "isa"_a, "out"_a,
        "Write the images with these indices to `out`, changed as in the epoch with this key.");
  nb::class_<Engine>(m, "Network", "Layers with weights, and the threads that train them and predict with them.")
      .def("__init__", &construct, "input_shape"_a, "layers"_a, "isa"_a, "threads"_a, "bf16"_a,
           "Build a network from the type and the settings of each layer.")
      .def("compile", &compile, "optimizer"_a, "settings"_a, "batch_size"_a, "augmentation"_a.none(),
           "Reserve the memory for training, and reset the optimizer.")
      .def("train_epoch", &train_epoch, "images"_a, "labels"_a, "order"_a, "learning_rates"_a, "key"_a, "scale"_a,
           "report"_a.none(),
           "Train on the images in this order. Return the sum of losses, the number of correct predictions, images\n"
           "and steps, and whether every loss was finite.")
      .def("predict", &predict, "images"_a, "scale"_a, "outputs"_a, "features"_a.none(), "report"_a.none(), "bf16"_a,
           "Write the output of the last layer, and on request its input, for each image.")
      .def("read_parameter", &read_parameter, "layer"_a, "index"_a, "out"_a,
           "Copy a parameter of a layer to `out`, in the layout of Keras.")
      .def("write_parameter", &write_parameter, "layer"_a, "index"_a, "values"_a,
           "Set a parameter of a layer from values in the layout of Keras.");
}
