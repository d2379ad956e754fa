//! Encode and decode the calls of every module, each as its name and its fields.
//!
//! Fields cross the border as `bytes`, `int`, `str` and tuples: a public key is
//! (algorithm, bytes), an action is (name, fields...), a validator is (key, organisation, name,
//! address), a certificate is (fingerprint, authority, expires_ms).

use crate::errors::{bad_argument, of_decode, refuse};
use crate::keys::algorithm;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use trine_crypto::Digest;
use trine_types::account::Roles;
use trine_types::call::{Action, METHODS, PublicKey, TransferReference};
use trine_types::codec::check_limit;
use trine_types::limits::{
    ADDRESS_TEXT_BYTES_MAX, ENTRIES_MAX, EVIDENCE_REFERENCE_BYTES_MAX, MEDIA_TYPE_BYTES_MAX,
    NAME_BYTES_MAX, PUBLIC_KEY_BYTES_MAX, SYMBOL_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MAX,
};
use trine_types::x509::MemberCertificate;
use trine_types::{
    Address, Amount, AssetId, Call, Decode, Encode, LogId, OrganisationId, ProposalId, RawCall,
    Validator, ValidatorKey,
};

/// The fields of a call by name.
struct Fields<'a, 'py>(&'a Bound<'py, PyDict>);

impl<'py> Fields<'_, 'py> {
    fn any(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let missing = || PyTypeError::new_err(format!("the call lacks its field {name:?}"));
        self.0.get_item(name)?.ok_or_else(missing)
    }

    fn number<T>(&self, name: &str) -> PyResult<T>
    where
        T: TryFrom<u64>,
    {
        number(&self.any(name)?, name)
    }

    fn text(&self, name: &'static str, limit: usize) -> PyResult<String> {
        text(&self.any(name)?, name, limit)
    }

    fn bytes(&self, name: &'static str, limit: usize) -> PyResult<Vec<u8>> {
        let bytes: Vec<u8> = self.any(name)?.extract()?;
        check_limit(bytes.len(), limit, name).map_err(|error| of_decode(&error))?;
        Ok(bytes)
    }

    fn address(&self, name: &str) -> PyResult<Address> {
        fixed(&self.any(name)?, name).map(Address)
    }

    fn key(&self, name: &str) -> PyResult<PublicKey> {
        public_key(&self.any(name)?)
    }

    fn digest(&self, name: &str) -> PyResult<Digest> {
        fixed(&self.any(name)?, name).map(Digest)
    }

    fn certificate(&self) -> PyResult<MemberCertificate> {
        let value = self.any("certificate")?;
        let parts = value.cast::<PyTuple>()?;
        Ok(MemberCertificate {
            fingerprint: fixed(&parts.get_item(0)?, "fingerprint").map(Digest)?,
            authority: fixed(&parts.get_item(1)?, "authority").map(Digest)?,
            expires_ms: number(&parts.get_item(2)?, "expires_ms")?,
        })
    }

    fn action(&self) -> PyResult<Action> {
        action(&self.any("action")?)
    }

    fn reference(&self) -> PyResult<Option<TransferReference>> {
        if self.any("reference")?.is_none() {
            return Ok(None);
        }
        let bytes = self.bytes("reference", TRANSFER_REFERENCE_BYTES_MAX)?;
        Ok(Some(TransferReference(bytes)))
    }

    fn entries(&self) -> PyResult<Vec<Digest>> {
        let entries: Vec<Bound<'py, PyAny>> = self.any("entries")?.extract()?;
        check_limit(entries.len(), ENTRIES_MAX, "entries").map_err(|error| of_decode(&error))?;
        entries.iter().map(|entry| fixed(entry, "entry").map(Digest)).collect()
    }
}

fn number<T: TryFrom<u64>>(value: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let wide = value.extract::<u64>().ok().and_then(|wide| T::try_from(wide).ok());
    wide.ok_or_else(|| bad_argument(format!("{what}: {value} is outside its range")))
}

fn text(value: &Bound<'_, PyAny>, what: &'static str, limit: usize) -> PyResult<String> {
    let text: String = value.extract()?;
    check_limit(text.len(), limit, what).map_err(|error| of_decode(&error))?;
    Ok(text)
}

fn fixed<const N: usize>(value: &Bound<'_, PyAny>, what: &str) -> PyResult<[u8; N]> {
    let bytes: &[u8] = value.extract()?;
    bytes
        .try_into()
        .map_err(|_| bad_argument(format!("{what}: {} bytes, expected {N}", bytes.len())))
}

fn public_key(value: &Bound<'_, PyAny>) -> PyResult<PublicKey> {
    let (name, bytes): (String, Vec<u8>) = value.extract()?;
    let limit = check_limit(bytes.len(), PUBLIC_KEY_BYTES_MAX, "public key");
    limit.map_err(|error| of_decode(&error))?;
    Ok(PublicKey { algorithm: algorithm(&name)?, bytes })
}

fn validator_key(value: &Bound<'_, PyAny>) -> PyResult<ValidatorKey> {
    let PublicKey { algorithm, bytes } = public_key(value)?;
    ValidatorKey::new(algorithm, &bytes).ok_or_else(|| {
        let (name, length) = (algorithm.name(), bytes.len());
        bad_argument(format!("key: {length} bytes are no {name} key of a validator"))
    })
}

fn validator(value: &Bound<'_, PyAny>) -> PyResult<Validator> {
    let parts = value.cast::<PyTuple>()?;
    Ok(Validator {
        key: validator_key(&parts.get_item(0)?)?,
        organisation: OrganisationId(number(&parts.get_item(1)?, "organisation")?),
        name: text(&parts.get_item(2)?, "name", NAME_BYTES_MAX)?,
        address: text(&parts.get_item(3)?, "address", ADDRESS_TEXT_BYTES_MAX)?,
    })
}

fn action(value: &Bound<'_, PyAny>) -> PyResult<Action> {
    let parts = value.cast::<PyTuple>()?;
    let name: String = parts.get_item(0)?.extract()?;
    Ok(match name.as_str() {
        "freeze" => Action::Freeze(fixed(&parts.get_item(1)?, "address").map(Address)?),
        "unfreeze" => Action::Unfreeze(fixed(&parts.get_item(1)?, "address").map(Address)?),
        "set_parameter" => Action::SetParameter {
            parameter: number(&parts.get_item(1)?, "parameter")?,
            value: number(&parts.get_item(2)?, "value")?,
        },
        "create_organisation" => Action::CreateOrganisation {
            name: text(&parts.get_item(1)?, "name", NAME_BYTES_MAX)?,
            administrator: public_key(&parts.get_item(2)?)?,
        },
        "admit_validator" => Action::AdmitValidator(validator(&parts.get_item(1)?)?),
        "remove_validator" => Action::RemoveValidator(validator_key(&parts.get_item(1)?)?),
        "replace_validator" => Action::ReplaceValidator {
            key: validator_key(&parts.get_item(1)?)?,
            validator: validator(&parts.get_item(2)?)?,
        },
        "remove_organisation" => {
            Action::RemoveOrganisation(OrganisationId(number(&parts.get_item(1)?, "organisation")?))
        }
        other => return Err(bad_argument(format!("unknown action {other:?}"))),
    })
}

fn roles(fields: &Fields<'_, '_>) -> PyResult<Roles> {
    fields.number("roles").map(Roles)
}

fn build(name: &str, fields: &Fields<'_, '_>) -> PyResult<Call> {
    Ok(match name {
        "accounts.create" => Call::AccountCreate { key: fields.key("key")?, roles: roles(fields)? },
        "accounts.add_key" => {
            Call::KeyAdd { key: fields.key("key")?, modules: fields.number("modules")? }
        }
        "accounts.revoke_key" => Call::KeyRevoke { key_index: fields.number("key_index")? },
        "accounts.rotate_key" => {
            Call::KeyRotate { key_index: fields.number("key_index")?, key: fields.key("key")? }
        }
        "accounts.freeze" => Call::AccountFreeze { address: fields.address("address")? },
        "accounts.unfreeze" => Call::AccountUnfreeze { address: fields.address("address")? },
        "accounts.enrol" => Call::AccountEnrol {
            key: fields.key("key")?,
            roles: roles(fields)?,
            certificate: fields.certificate()?,
        },
        "accounts.set_certificate" => Call::CertificateSet {
            address: fields.address("address")?,
            certificate: fields.certificate()?,
        },
        "organisations.set_roles" => {
            Call::RolesSet { address: fields.address("address")?, roles: roles(fields)? }
        }
        "organisations.set_quota" => {
            Call::QuotaSet { address: fields.address("address")?, quota: fields.number("quota")? }
        }
        "organisations.register_authority" => Call::AuthorityRegister {
            fingerprint: fields.digest("fingerprint")?,
            expires_ms: fields.number("expires_ms")?,
        },
        "organisations.remove_authority" => {
            Call::AuthorityRemove { fingerprint: fields.digest("fingerprint")? }
        }
        "proposals.submit" => Call::ProposalSubmit {
            action: fields.action()?,
            expires_ms: fields.number("expires_ms")?,
        },
        "proposals.approve" => Call::ProposalApprove {
            proposal: ProposalId(fields.number("proposal")?),
            action: fields.action()?,
        },
        "proposals.reject" => {
            Call::ProposalReject { proposal: ProposalId(fields.number("proposal")?) }
        }
        "evidence.create_log" => Call::LogCreate { name: fields.text("name", NAME_BYTES_MAX)? },
        "evidence.append" => Call::EvidenceAppend {
            log: LogId(fields.number("log")?),
            media_type: fields.text("media_type", MEDIA_TYPE_BYTES_MAX)?,
            reference: fields.bytes("reference", EVIDENCE_REFERENCE_BYTES_MAX)?,
            entries: fields.entries()?,
        },
        other => return build_asset(other, fields),
    })
}

fn build_asset(name: &str, fields: &Fields<'_, '_>) -> PyResult<Call> {
    Ok(match name {
        "assets.define" => Call::AssetDefine {
            symbol: fields.text("symbol", SYMBOL_BYTES_MAX)?,
            name: fields.text("name", NAME_BYTES_MAX)?,
            decimals: fields.number("decimals")?,
        },
        "assets.issue" => Call::AssetIssue {
            asset: AssetId(fields.number("asset")?),
            to: fields.address("to")?,
            amount: Amount(fields.number("amount")?),
        },
        "assets.transfer" => Call::AssetTransfer {
            asset: AssetId(fields.number("asset")?),
            to: fields.address("to")?,
            amount: Amount(fields.number("amount")?),
            reference: fields.reference()?,
        },
        "assets.burn" => Call::AssetBurn {
            asset: AssetId(fields.number("asset")?),
            amount: Amount(fields.number("amount")?),
        },
        other => return Err(bad_argument(format!("unknown call {other:?}"))),
    })
}

/// Encodes the call `module.method` with these fields.
#[pyfunction]
fn encode<'py>(
    py: Python<'py>,
    name: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let raw = build(name, &Fields(fields))?.to_raw();
    // Reading it back applies the rules that the types alone do not hold.
    Call::from_raw(&raw).map_err(|code| refuse(code.name(), format!("{name}: {code}")))?;
    Ok(PyBytes::new(py, &raw.to_bytes()))
}

struct Reading<'py>(Bound<'py, PyDict>);

impl<'py> Reading<'py> {
    fn value(self, name: &str, value: impl IntoPyObject<'py>) -> PyResult<Self> {
        self.0.set_item(name, value)?;
        Ok(self)
    }

    fn bytes(self, name: &str, bytes: &[u8]) -> PyResult<Self> {
        let value = PyBytes::new(self.0.py(), bytes);
        self.value(name, value)
    }

    fn key(self, name: &str, key: &PublicKey) -> PyResult<Self> {
        let value = key_tuple(self.0.py(), key);
        self.value(name, value)
    }

    fn certificate(self, certificate: &MemberCertificate) -> PyResult<Self> {
        let py = self.0.py();
        let bytes = |digest: &Digest| PyBytes::new(py, &digest.0);
        let MemberCertificate { fingerprint, authority, expires_ms } = certificate;
        self.value("certificate", (bytes(fingerprint), bytes(authority), *expires_ms))
    }

    fn action(self, action: &Action) -> PyResult<Self> {
        let py = self.0.py();
        let bytes = |address: &Address| PyBytes::new(py, &address.0);
        let tuple = match action {
            Action::Freeze(address) => ("freeze", bytes(address)).into_pyobject(py)?,
            Action::Unfreeze(address) => ("unfreeze", bytes(address)).into_pyobject(py)?,
            Action::SetParameter { parameter, value } => {
                ("set_parameter", *parameter, *value).into_pyobject(py)?
            }
            Action::CreateOrganisation { name, administrator } => {
                ("create_organisation", name, key_tuple(py, administrator)).into_pyobject(py)?
            }
            Action::AdmitValidator(validator) => {
                ("admit_validator", validator_tuple(py, validator)).into_pyobject(py)?
            }
            Action::RemoveValidator(key) => {
                ("remove_validator", validator_key_tuple(py, key)).into_pyobject(py)?
            }
            Action::ReplaceValidator { key, validator } => {
                let (key, validator) =
                    (validator_key_tuple(py, key), validator_tuple(py, validator));
                ("replace_validator", key, validator).into_pyobject(py)?
            }
            Action::RemoveOrganisation(organisation) => {
                ("remove_organisation", organisation.0).into_pyobject(py)?
            }
        };
        self.value("action", tuple)
    }
}

fn key_tuple<'py>(py: Python<'py>, key: &PublicKey) -> (String, Bound<'py, PyBytes>) {
    (key.algorithm.to_string(), PyBytes::new(py, &key.bytes))
}

type KeyTuple<'py> = (&'static str, Bound<'py, PyBytes>);

/// Any bytes may stand in a call that failed.
fn validator_key_tuple<'py>(py: Python<'py>, key: &ValidatorKey) -> KeyTuple<'py> {
    let parts = key.parts().map(|(algorithm, key)| (algorithm.name(), key));
    let (name, bytes) = parts.unwrap_or(("unknown", &key.0));
    (name, PyBytes::new(py, bytes))
}

fn validator_tuple<'py>(
    py: Python<'py>,
    validator: &Validator,
) -> (KeyTuple<'py>, u32, String, String) {
    let Validator { key, organisation, name, address } = validator;
    (validator_key_tuple(py, key), organisation.0, name.clone(), address.clone())
}

fn read<'py>(py: Python<'py>, call: &Call) -> PyResult<Reading<'py>> {
    let to = Reading(PyDict::new(py));
    match call {
        Call::AccountCreate { key, roles } => to.key("key", key)?.value("roles", roles.0),
        Call::KeyAdd { key, modules } => to.key("key", key)?.value("modules", *modules),
        Call::KeyRevoke { key_index } => to.value("key_index", *key_index),
        Call::KeyRotate { key_index, key } => to.value("key_index", *key_index)?.key("key", key),
        Call::AccountFreeze { address } | Call::AccountUnfreeze { address } => {
            to.bytes("address", &address.0)
        }
        Call::AccountEnrol { key, roles, certificate } => {
            to.key("key", key)?.value("roles", roles.0)?.certificate(certificate)
        }
        Call::CertificateSet { address, certificate } => {
            to.bytes("address", &address.0)?.certificate(certificate)
        }
        Call::AuthorityRegister { fingerprint, expires_ms } => {
            to.bytes("fingerprint", &fingerprint.0)?.value("expires_ms", *expires_ms)
        }
        Call::AuthorityRemove { fingerprint } => to.bytes("fingerprint", &fingerprint.0),
        Call::RolesSet { address, roles } => {
            to.bytes("address", &address.0)?.value("roles", roles.0)
        }
        Call::QuotaSet { address, quota } => {
            to.bytes("address", &address.0)?.value("quota", *quota)
        }
        Call::ProposalSubmit { action, expires_ms } => {
            to.action(action)?.value("expires_ms", *expires_ms)
        }
        Call::ProposalApprove { proposal, action } => {
            to.value("proposal", proposal.0)?.action(action)
        }
        Call::ProposalReject { proposal } => to.value("proposal", proposal.0),
        Call::LogCreate { name } => to.value("name", name),
        Call::EvidenceAppend { log, media_type, reference, entries } => {
            let entries: Vec<_> = entries.iter().map(|entry| PyBytes::new(py, &entry.0)).collect();
            to.value("log", log.0)?
                .value("media_type", media_type)?
                .bytes("reference", reference)?
                .value("entries", entries)
        }
        Call::AssetDefine { symbol, name, decimals } => {
            to.value("symbol", symbol)?.value("name", name)?.value("decimals", *decimals)
        }
        Call::AssetIssue { asset, to: recipient, amount } => {
            to.value("asset", asset.0)?.bytes("to", &recipient.0)?.value("amount", amount.0)
        }
        Call::AssetTransfer { asset, to: recipient, amount, reference } => {
            let reference = reference.as_ref().map(|reference| PyBytes::new(py, &reference.0));
            to.value("asset", asset.0)?
                .bytes("to", &recipient.0)?
                .value("amount", amount.0)?
                .value("reference", reference)
        }
        Call::AssetBurn { asset, amount } => to.value("asset", asset.0)?.value("amount", amount.0),
    }
}

/// Reads an encoded call into its name and fields.
#[pyfunction]
fn decode<'py>(py: Python<'py>, call: &[u8]) -> PyResult<(String, Bound<'py, PyDict>)> {
    let raw = RawCall::from_bytes(call).map_err(|error| of_decode(&error))?;
    let call = Call::from_raw(&raw).map_err(|code| {
        refuse(code.name(), format!("module {}, method {}: {code}", raw.module, raw.method))
    })?;
    let name = METHODS
        .iter()
        .find(|known| (known.0, known.2) == (raw.module, raw.method))
        .map(|known| format!("{}.{}", known.1, known.3))
        .unwrap_or_default();
    Ok((name, read(py, &call)?.0))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(encode, module)?)?;
    module.add_function(wrap_pyfunction!(decode, module)?)
}
