"""The tests of the suite, a file for each part of the contract; `rota_conformance.running` runs them."""
