// What Python sees of the engine. Arguments are checked here as far as memory depends on them; what they mean is
// checked in Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <variant>

#include "network/network.hpp"
#include "network/reporter.hpp"

namespace nb = nanobind;

namespace optotype {

namespace {

template <class T, int dimensions>
using Array = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
using Pictures = std::variant<Array<std::uint8_t, 4>, Array<float, 4>>;
using Table = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Lets Python handle signals and show progress; an exception, Ctrl-C's included, is kept until the work has stopped.
class PythonReporter final : public Reporter {
 public:
  explicit PythonReporter(nb::object report) : report_(std::move(report)) {}

  bool go_on(std::int64_t images_done) override {
    const nb::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (!report_.is_none()) report_(images_done);
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
  nb::object report_;
  std::optional<nb::python_error> error_;
};

constexpr int kMostPixels = 4096;

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

Images images_of(Shape shape, const Pictures& pictures) {
  return std::visit(
      [&](const auto& array) {
        require(array.shape(1) == static_cast<std::size_t>(shape.height) &&
                    array.shape(2) == static_cast<std::size_t>(shape.width) &&
                    array.shape(3) == static_cast<std::size_t>(shape.channels),
                "images have another shape than the network's input");
        Images images = {nullptr, nullptr, static_cast<std::int64_t>(array.shape(0))};
        if constexpr (std::is_same_v<std::decay_t<decltype(array)>, Array<float, 4>>)
          images.floats = array.data();
        else
          images.bytes = array.data();
        return images;
      },
      pictures);
}

// The checks that keep every index of an epoch inside its array.
void check_epoch(const Network& network, const Images& images, const Array<std::int32_t, 1>& labels,
                 const Array<std::int64_t, 1>& order, std::size_t rates) {
  require(network.compiled(), "compile the network before training it");
  require(labels.shape(0) == static_cast<std::size_t>(images.count), "labels and images differ in number");
  const std::size_t batch = network.batch();
  require(rates >= (order.shape(0) + batch - 1) / batch, "fewer learning rates than steps");
  const std::int64_t* first = order.data();
  require(std::all_of(first, first + order.shape(0), [&](std::int64_t i) { return i >= 0 && i < images.count; }),
          "the order names an image that does not exist");
  const std::int32_t classes = network.output().channels, *label = labels.data();
  require(std::all_of(label, label + labels.shape(0), [&](std::int32_t l) { return l >= 0 && l < classes; }),
          "a label is not one of the network's classes");
}

nb::tuple train_epoch(Network& network, const Pictures& pictures, const Array<std::int32_t, 1>& labels,
                      const Array<std::int64_t, 1>& order, const Array<float, 1>& learning_rates,
                      std::uint64_t key, float scale, nb::object report) {
  const Images images = images_of(network.input(), pictures);
  check_epoch(network, images, labels, order, learning_rates.shape(0));
  const Epoch epoch = {labels.data(), order.data(), static_cast<std::int64_t>(order.shape(0)), learning_rates.data(),
                       key};
  PythonReporter reporter(std::move(report));
  EpochTotals totals;
  {
    const nb::gil_scoped_release release;
    totals = network.train_epoch(images, scale, epoch, reporter);
  }
  reporter.rethrow();
  return nb::make_tuple(totals.loss, totals.correct, totals.images, totals.steps, totals.finite);
}

void predict(Network& network, const Pictures& pictures, float scale,
             const Table& outputs, const std::optional<Table>& features, nb::object report, bool bf16) {
  const Images images = images_of(network.input(), pictures);
  const auto fits = [&](const Table& rows, Shape shape) {
    return rows.shape(0) == static_cast<std::size_t>(images.count) &&
           rows.shape(1) == static_cast<std::size_t>(shape.size());
  };
  require(fits(outputs, network.output()), "the array for the outputs has another shape than (images, numbers)");
  require(!features || fits(*features, network.features()),
          "the array for the features has another shape than (images, numbers)");
  PythonReporter reporter(std::move(report));
  {
    const nb::gil_scoped_release release;
    network.predict(images, scale, {outputs.data(), features ? features->data() : nullptr}, reporter, bf16);
  }
  reporter.rethrow();
}

void check_parameter(const Network& network, int layer, int index, std::size_t size) {
  require(index >= 0 && index < network.layer(layer).parameters() &&
              size == network.layer(layer).parameter_size(index),
          "no such parameter, or not of this size");
}

Activation activation_of(const std::string& name) {
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  throw std::invalid_argument("unknown activation " + name);
}

OptimizerKind optimizer_of(const std::string& name) {
  if (name == "SGD") return OptimizerKind::sgd;
  if (name == "RMSprop") return OptimizerKind::rmsprop;
  if (name == "Adam") return OptimizerKind::adam;
  throw std::invalid_argument("unknown optimizer " + name);
}

const Kernels& kernels_named(const std::string& isa) {
  const Kernels* kernels = kernels_for(isa.c_str());
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

// `self` is memory for a network that nanobind has set aside.
void construct(Network* self, const std::vector<int>& shape, const std::string& isa, int threads, bool bf16) {
  require(shape.size() == 3 && *std::min_element(shape.begin(), shape.end()) > 0 && threads > 0,
          "an input has height, width and channels; sizes and threads start at 1");
  const Kernels& kernels = kernels_named(isa);
  require(!bf16 || kernels.bf16, "these kernels have no bfloat16");
  new (self) Network({shape[0], shape[1], shape[2]}, kernels, threads, bf16);
}

int add_activation(Network& network, const std::string& name) { return network.add_activation(activation_of(name)); }

// Whatever decides how much memory an augmentation takes, and where it reads.
void check_augmentation(const Augmentation& a) {
  require(a.shift >= 0 && a.shift <= kMostPixels && a.cutout >= 0 && a.cutout <= kMostPixels,
          "a shift or a cutout is out of range");
  const auto within = [](float value, float low, float high) { return value >= low && value <= high; };
  require(within(a.rotation, 0, 180) && within(a.scale, 0, 0.99f) && within(a.brightness, 0, 1) && within(a.contrast, 0, 1),
          "a rotation, scale, brightness or contrast is out of range");
  require(within(a.elastic, 0, kMostPixels) && within(a.elastic_sigma, 0.1f, 100),
          "an elastic deformation is out of range");
}

void compile(Network& network, const std::string& optimizer, float first_decay, float second_decay, float epsilon,
             int batch, const std::optional<Augmentation>& augmentation) {
  require(batch > 0, "a batch has at least one image");
  if (augmentation) check_augmentation(*augmentation);
  network.compile({optimizer_of(optimizer), first_decay, second_decay, epsilon}, batch, augmentation);
}

void augment(const Pictures& pictures, const Array<std::int64_t, 1>& places, const Augmentation& augmentation,
             std::uint64_t key, float scale, const std::string& isa,
             const nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>& out) {
  const Shape shape = {static_cast<int>(out.shape(1)), static_cast<int>(out.shape(2)), static_cast<int>(out.shape(3))};
  const Images images = images_of(shape, pictures);
  require(shape.size() > 0 && out.shape(0) == places.shape(0), "images and places differ from what is written");
  const std::int64_t* place = places.data();
  require(std::all_of(place, place + places.shape(0), [&](std::int64_t i) { return i >= 0 && i < images.count; }),
          "a place names an image that does not exist");
  check_augmentation(augmentation);
  Augmenter augmenter(shape, augmentation, kernels_named(isa), 1);
  const nb::gil_scoped_release release;
  const ThreadMode mode(nullptr);
  for (std::size_t i = 0; i < places.shape(0); ++i)
    augmenter.apply(images, scale, place[i], key, 0, out.data() + static_cast<std::ptrdiff_t>(i) * shape.size());
}

void read_parameter(const Network& network, int layer, int index,
                    const nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>& out) {
  check_parameter(network, layer, index, out.shape(0));
  network.layer(layer).read_parameter(index, out.data());
}

void write_parameter(const Network& network, int layer, int index, const Array<float, 1>& values) {
  check_parameter(network, layer, index, values.shape(0));
  network.layer(layer).write_parameter(index, values.data());
}

}  // namespace

}  // namespace optotype

NB_MODULE(_core, m) {
#ifdef NDEBUG
  // A process may end while a thread of its own still holds a network: no concern of whoever reads the terminal.
  nb::set_leak_warnings(false);
#endif
  using namespace optotype;
  using namespace nb::literals;
  m.def("available_isas", &available_isas);
  m.def("augment", &augment, "images"_a, "places"_a, "augmentation"_a, "key"_a, "scale"_a, "isa"_a, "out"_a);
  nb::class_<Augmentation>(m, "Augmentation")
      .def(nb::init<>())
      .def_rw("shift", &Augmentation::shift)
      .def_rw("cutout", &Augmentation::cutout)
      .def_rw("flip", &Augmentation::flip)
      .def_rw("reflect", &Augmentation::reflect)
      .def_rw("rotation", &Augmentation::rotation)
      .def_rw("scale", &Augmentation::scale)
      .def_rw("brightness", &Augmentation::brightness)
      .def_rw("contrast", &Augmentation::contrast)
      .def_rw("elastic", &Augmentation::elastic)
      .def_rw("elastic_sigma", &Augmentation::elastic_sigma);
  nb::class_<Network>(m, "Network")
      .def("__init__", &construct, "shape"_a, "isa"_a, "threads"_a, "bf16"_a)
      .def("add_dense", &Network::add_dense, "units"_a)
      .def("add_conv2d", &Network::add_conv2d, "filters"_a, "height"_a, "width"_a, "same"_a)
      .def("add_max_pooling2d", &Network::add_max_pooling2d, "height"_a, "width"_a)
      .def("add_flatten", &Network::add_flatten)
      .def("add_activation", &add_activation, "name"_a)
      .def("add_dropout", &Network::add_dropout, "rate"_a)
      .def("add_batch_normalization", &Network::add_batch_normalization, "momentum"_a, "epsilon"_a)
      .def("compile", &compile, "optimizer"_a, "first_decay"_a, "second_decay"_a, "epsilon"_a, "batch"_a,
           "augmentation"_a.none())
      .def("train_epoch", &train_epoch, "images"_a, "labels"_a, "order"_a, "learning_rates"_a, "key"_a, "scale"_a,
           "report"_a.none())
      .def("predict", &predict, "images"_a, "scale"_a, "outputs"_a, "features"_a.none(), "report"_a.none(), "bf16"_a)
      .def("read_parameter", &read_parameter, "layer"_a, "index"_a, "out"_a)
      .def("write_parameter", &write_parameter, "layer"_a, "index"_a, "values"_a);
}
