//! Answer organisations, by number or name.

use super::{Answer, Api, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::{Value, json};
use trine_types::record::{Organisation, RemovedOrganisations};
use trine_types::x509::{CertificateRegistry, MemberCertificate};
use trine_types::{Address, OrganisationId, StateKey, genesis::is_name};

impl Api {
    /// Number of the organisation that a path names by number or name.
    ///
    /// # Errors
    /// [`Problem`] `organisation_not_found`, or when storage fails.
    pub(super) async fn organisation_id(&self, text: &str) -> Result<OrganisationId, Problem> {
        let suite = self.parts.suite;
        // A name may consist of digits; names go first, and numbers have no leading zeros.
        if is_name(text) {
            let key = StateKey::organisation_name(suite, text);
            if let Some(id) = self.record(key).await? {
                return Ok(id);
            }
        }
        match text.parse() {
            Ok(number) => Ok(OrganisationId(number)),
            Err(_) => Err(unknown(text)),
        }
    }
}

impl Api {
    async fn removed_organisations(&self) -> Result<RemovedOrganisations, Problem> {
        let removed = self.record(StateKey::removed_organisations(self.parts.suite)).await?;
        Ok(removed.unwrap_or_default())
    }
}

fn unknown(name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    let detail = format!("the chain has no organisation {shown:?}");
    Problem::not_found("organisation_not_found", detail)
}

/// `GET /v1/organisations`.
pub(super) async fn list(State(api): Shared, Params(page): Params<Page>) -> Answer {
    let suite = api.parts.suite;
    let limit = page.limit()?;
    let total = api.counters().await?.organisations;
    let from = page.from.unwrap_or(0).min(u64::from(total)) as u32;
    let ids: Vec<OrganisationId> = (from..total).take(limit).map(OrganisationId).collect();
    let keys = ids.iter().map(|id| StateKey::organisation(suite, *id)).collect();
    let records = api.records::<Organisation>(keys).await?;
    let removed = api.removed_organisations().await?;
    let one = |(id, record): (&OrganisationId, &Option<Organisation>)| {
        Some(render::organisation(*id, record.as_ref()?, &removed))
    };
    let organisations: Value = ids.iter().zip(&records).filter_map(one).collect();
    Ok(Json(json!({"organisations": organisations, "total": total})))
}

/// `GET /v1/organisations/{organisation}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let id = api.organisation_id(&text).await?;
    let record: Option<Organisation> =
        api.record(StateKey::organisation(api.parts.suite, id)).await?;
    let record = record.ok_or_else(|| unknown(&text))?;
    Ok(Json(render::organisation(id, &record, &api.removed_organisations().await?)))
}

impl Api {
    /// The organisation that a path names, and what it keeps for certificates.
    ///
    /// # Errors
    /// As [`Api::organisation_id`].
    async fn registry(&self, text: &str) -> Result<(OrganisationId, CertificateRegistry), Problem> {
        let suite = self.parts.suite;
        let id = self.organisation_id(text).await?;
        let record: Option<Organisation> = self.record(StateKey::organisation(suite, id)).await?;
        if record.is_none() {
            return Err(unknown(text));
        }
        let registry = self.record(StateKey::certificate_registry(suite, id)).await?;
        Ok((id, registry.unwrap_or_default()))
    }
}

/// `GET /v1/organisations/{organisation}/authorities`.
pub(super) async fn authorities(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let (id, registry) = api.registry(&text).await?;
    let authorities: Value = registry.authorities.iter().map(render::authority).collect();
    Ok(Json(json!({"organisation": id, "authorities": authorities})))
}

/// `GET /v1/organisations/{organisation}/certificates`.
pub(super) async fn certificates(
    State(api): Shared,
    Path(text): Path<String>,
    Params(page): Params<Page>,
) -> Answer {
    let suite = api.parts.suite;
    let limit = page.limit()?;
    let (id, registry) = api.registry(&text).await?;
    let numbers: Vec<u64> = (page.from.unwrap_or(0)..registry.members).take(limit).collect();
    let keys = numbers.iter().map(|number| StateKey::certified_member(suite, id, *number));
    let addresses: Vec<Address> =
        api.records(keys.collect()).await?.into_iter().flatten().collect();
    let keys = addresses.iter().map(|address| StateKey::member_certificate(suite, *address));
    let records: Vec<Option<MemberCertificate>> = api.records(keys.collect()).await?;
    let accounts = api.parts.reader.accounts(addresses.clone()).await?;
    let one = |(place, address): (usize, &Address)| {
        let mut shown = render::member_certificate(records.get(place)?.as_ref()?);
        shown["number"] = numbers.get(place)?.to_owned().into();
        shown["address"] = json!(address);
        shown["frozen"] = accounts.get(place)?.as_ref()?.frozen.into();
        Some(shown)
    };
    let certificates: Value = addresses.iter().enumerate().filter_map(one).collect();
    Ok(Json(json!({"certificates": certificates, "total": registry.members})))
}
