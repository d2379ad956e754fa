"""Keep health records: FHIR resources checked, sealed for their recipients, committed to a chain.

Read (`reading`), check (`validation`, `bundles`), write canonically (`canonical`), seal and store
(`records`); `generator` makes records up. What is stored and committed is specified in
`docs/reference/health-records.md`.
"""
