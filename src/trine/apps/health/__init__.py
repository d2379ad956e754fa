"""Keep health records: FHIR resources, checked, sealed for named recipients, committed to a chain.
"""
