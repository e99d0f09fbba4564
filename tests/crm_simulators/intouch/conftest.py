"""What the tests of the simulated InTouch share."""

from crm_simulators.intouch import InTouchSimulator
from tests.crm_simulators.calling import fixtures
from tests.crm_simulators.intouch.caller import Http

simulator, http = fixtures(InTouchSimulator, Http)
