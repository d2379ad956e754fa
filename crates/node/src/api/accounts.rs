//! Answer accounts, their keys, balances and recent transactions.

use super::{Answer, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::json;
use trine_types::account::is_recorded;
use trine_types::call::PublicKey;
use trine_types::record::{AccountKey, Asset, Organisation};
use trine_types::x509::MemberCertificate;
use trine_types::{Address, Amount, AssetId, StateKey};

/// Reads an address of a path.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn address(text: &str) -> Result<Address, Problem> {
    request::part("address", text, "40 hexadecimal digits")
}

/// `GET /v1/accounts/{address}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let address = address(&text)?;
    let account = api.account(address).await?;
    let key = StateKey::organisation(api.parts.suite, account.organisation);
    let organisation: Option<Organisation> = api.record(key).await?;
    let name = organisation.as_ref().map(|organisation| organisation.name.as_str());
    let certificate = StateKey::member_certificate(api.parts.suite, address);
    let certificate: Option<MemberCertificate> = api.record(certificate).await?;
    Ok(Json(render::account(&address, &account, name, certificate.as_ref())))
}

/// `GET /v1/accounts/{address}/balances/{asset}`.
pub(super) async fn balance(
    State(api): Shared,
    Path((text, asset)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let (address, suite) = (address(&text)?, api.parts.suite);
    let asset = AssetId(request::part("asset", &asset, "the number of an asset")?);
    let account = api.account(address).await?;
    let definition: Option<Asset> = api.record(StateKey::asset(suite, asset)).await?;
    let definition = definition.ok_or_else(|| super::assets::unknown(asset))?;
    let balance = match asset {
        AssetId::PRIMARY => account.balance,
        _ => {
            let held: Option<Amount> = api.record(StateKey::balance(suite, address, asset)).await?;
            held.unwrap_or_default()
        }
    };
    Ok(Json(json!({
        "address": address,
        "asset": asset,
        "symbol": definition.symbol,
        "decimals": definition.decimals,
        "balance": balance,
    })))
}

/// `GET /v1/accounts/{address}/keys/{index}`.
pub(super) async fn key(
    State(api): Shared,
    Path((text, index)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let address = address(&text)?;
    let index: u8 = request::part("index", &index, "the index of a key")?;
    let account = api.account(address).await?;
    let live = index < 8 && account.live_keys >> index & 1 == 1;
    if index == 0 && !is_recorded(account.algorithm) {
        let bytes = account.first_key().to_vec();
        let key = PublicKey { algorithm: account.algorithm, bytes };
        return Ok(Json(render::account_key(index, &key, u32::MAX, live)));
    }
    let stored = StateKey::account_key(api.parts.suite, address, index);
    let record: Option<AccountKey> = api.record(stored).await?;
    let record = record.ok_or_else(|| {
        let detail = format!("account {address} has no live key {index}");
        Problem::not_found("state_not_found", detail)
    })?;
    Ok(Json(render::account_key(index, &record.key, record.modules, live)))
}

/// What to answer where an account has no certificate.
pub(super) fn no_certificate(address: Address) -> Problem {
    let detail = format!("account {address} has no certificate on this chain");
    Problem::not_found("certificate_not_found", detail)
}

/// `GET /v1/accounts/{address}/certificate`.
pub(super) async fn certificate(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let address = address(&text)?;
    let key = StateKey::member_certificate(api.parts.suite, address);
    let record: Option<MemberCertificate> = api.record(key).await?;
    let record = record.ok_or_else(|| no_certificate(address))?;
    Ok(Json(render::member_certificate(&record)))
}

/// `GET /v1/accounts/{address}/transactions`.
pub(super) async fn transactions(
    State(api): Shared,
    Path(text): Path<String>,
    Params(page): Params<Page>,
) -> Answer {
    let limit = page.limit()?;
    let address = address(&text)?;
    let ids = api.parts.reader.recent_transactions(address, limit).await?;
    Ok(Json(json!({"transactions": ids})))
}
