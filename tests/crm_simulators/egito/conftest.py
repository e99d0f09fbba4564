"""What the tests of the simulated Egito share."""

from crm_simulators.egito import EgitoSimulator
from tests.crm_simulators.calling import fixtures
from tests.crm_simulators.egito.caller import Http

simulator, http = fixtures(EgitoSimulator, Http)
