"""What runs a program, whatever framework its layers are of."""

from resnet_ref.layers import Add, Linear
from tests.mutation.extras import EXTRAS
from tests.mutation.program import HOLDERS


class Interpreter:
    """To be mixed into a network: it runs the steps of a program, one after the other."""

    def take(self, program, add_layer, layer_of, faults):
        """Add a layer for each step that needs one of its own, and work the faults in."""
        self.program = program
        self.names = {s.where: f"part{i}" for i, s in enumerate(program.steps)}
        for step in program.steps:
            shares = step.owner and isinstance(step.op, HOLDERS)
            if not isinstance(step.op, Add) and not shares:
                add_layer(self.names[step.where], layer_of(step.op))
        for fault in program.faults:
            faults[fault.name](self, self.names[fault.where], fault.amount)

    def layer(self, step):
        """The layer that a step uses: another step's, where it shares."""
        where = step.tensors_of if isinstance(step.op, HOLDERS) else step.where
        return getattr(self, self.names[where])

    def forward(self, x):
        values = [x]
        for step in self.program.steps:
            inputs = [values[source + 1] for source in step.inputs]
            if isinstance(step.op, Add):
                values.append(inputs[0] + inputs[1])
                continue
            if isinstance(step.op, Linear):
                inputs = [inputs[0].flatten(1)]
            values.append(self.layer(step)(*inputs))
        return values[-1]


class ExtraForward:
    """To be mixed into a layer that does what no documented ResNet does."""

    def take(self, op, words):
        """`words` are what the frameworks name otherwise, see `tests.mutation.extras`."""
        self.op, self.words, self.memory = op, words, {}

    def forward(self, *inputs):
        if self.op.mode != "both" and (self.op.mode == "train") != self.training:
            return inputs[0]
        return EXTRAS[self.op.name](self.words, self, self.op.amount, *inputs)
