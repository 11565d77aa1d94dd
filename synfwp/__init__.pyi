"""Types of the public names: ``__init__.py`` imports each when it is first used, and this file shows what it will be.

``make stubs`` writes it from the table of names; a test compares the two.
"""

from synfwp import autograd as autograd
from synfwp import conventions as conventions
from synfwp import data as data
from synfwp import dynamics as dynamics
from synfwp import features as features
from synfwp import measures as measures
from synfwp import plasticity as plasticity
from synfwp import plot as plot
from synfwp import reference as reference
from synfwp import rules as rules
from synfwp import seeds as seeds
from synfwp import tasks as tasks
from synfwp import theory as theory
from synfwp import units as units
from synfwp.data import load_table as load_table
from synfwp.dynamics import spectra as spectra
from synfwp.fastweights import Gradients as Gradients
from synfwp.fastweights import Scan as Scan
from synfwp.fastweights import attention as attention
from synfwp.fastweights import fastest_form as fastest_form
from synfwp.fastweights import scan as scan
from synfwp.fastweights import vjp as vjp
from synfwp.instructions import Instructions as Instructions
from synfwp.plastic import PlasticRateNetwork as PlasticRateNetwork
from synfwp.plasticity import PairSTDP as PairSTDP
from synfwp.plasticity import SynapticRule as SynapticRule
from synfwp.plasticity import TripletSTDP as TripletSTDP
from synfwp.plasticity import protocols as protocols
from synfwp.programmer import Checkpoint as Checkpoint
from synfwp.programmer import Evaluation as Evaluation
from synfwp.programmer import FunctionProgrammer as FunctionProgrammer
from synfwp.programmer import LayerProgrammer as LayerProgrammer
from synfwp.programmer import PlasticNetwork as PlasticNetwork
from synfwp.programmer import Programmer as Programmer
from synfwp.programmer import Trained as Trained
from synfwp.programmer import load_layer as load_layer
from synfwp.programmer import load_trained as load_trained
from synfwp.programmer import train as train
from synfwp.programs import citation as citation
from synfwp.programs import list_programs as list_programs
from synfwp.programs import run as run
from synfwp.results import join as join
from synfwp.results import load as load
from synfwp.results import save as save
from synfwp.results import weights as weights
from synfwp.rules import ANTI_HEBB as ANTI_HEBB
from synfwp.rules import COVARIANCE as COVARIANCE
from synfwp.rules import DELTA as DELTA
from synfwp.rules import DELTA_PRODUCT as DELTA_PRODUCT
from synfwp.rules import DPLR as DPLR
from synfwp.rules import GATED_DELTA as GATED_DELTA
from synfwp.rules import GATED_HEBB as GATED_HEBB
from synfwp.rules import GATED_OJA as GATED_OJA
from synfwp.rules import HEBB as HEBB
from synfwp.rules import HOUSEHOLDER as HOUSEHOLDER
from synfwp.rules import KEY_GATED_DELTA as KEY_GATED_DELTA
from synfwp.rules import LEAKY_HEBB as LEAKY_HEBB
from synfwp.rules import LINEAR_ATTENTION as LINEAR_ATTENTION
from synfwp.rules import LONGHORN as LONGHORN
from synfwp.rules import MESA as MESA
from synfwp.rules import MOMENTUM_DELTA as MOMENTUM_DELTA
from synfwp.rules import OJA as OJA
from synfwp.rules import RULES as RULES
from synfwp.rules import SELF_REFERENTIAL as SELF_REFERENTIAL
from synfwp.rules import SOFTMAX as SOFTMAX
from synfwp.rules import Rule as Rule
from synfwp.rules import get_rule as get_rule
from synfwp.spiking import LIF as LIF
from synfwp.spiking import AdEx as AdEx
from synfwp.spiking import Circuit as Circuit
from synfwp.spiking import Poisson as Poisson
from synfwp.spiking import PoissonSource as PoissonSource
from synfwp.spiking import Population as Population
from synfwp.spiking import Projection as Projection
from synfwp.spiking import Receptor as Receptor
from synfwp.spiking import Record as Record
from synfwp.spiking import ShortTerm as ShortTerm
from synfwp.spiking import Simulation as Simulation
from synfwp.spiking import SpikeSource as SpikeSource
from synfwp.spiking import Steps as Steps
from synfwp.spiking import TwoCompartment as TwoCompartment
from synfwp.spiking import random_synapses as random_synapses
from synfwp.spiking import replicates as replicates
from synfwp.spiking import spikes as spikes
from synfwp.substrates import PES as PES
from synfwp.substrates import Dendritic as Dendritic
from synfwp.substrates import GatedTrace as GatedTrace
from synfwp.substrates import InhibitoryCancellation as InhibitoryCancellation
from synfwp.substrates import Mechanism as Mechanism
from synfwp.substrates import RateCode as RateCode
from synfwp.substrates import RateNetwork as RateNetwork
from synfwp.substrates import SpikingNetwork as SpikingNetwork
from synfwp.substrates import ThetaCycle as ThetaCycle
from synfwp.substrates import TwoPhase as TwoPhase
from synfwp.substrates.door import Exact as Exact
from synfwp.substrates.door import compare_substrates as compare_substrates
from synfwp.substrates.door import simulate as simulate

__version__: str
__all__: list[str]

def __dir__() -> list[str]: ...
