//! Check the genesis document: what is refused, and what its chain id covers.

use serde_json::{Value, json};
use trine_testkit::{Member, genesis};
use trine_types::{Amount, Genesis};

fn document() -> Value {
    let members = [Member { name: "alice", organisation: 0, roles: &["issuer"], balance: 5 }];
    let mut genesis = genesis(&["alpha", "beta"], &members, 2);
    genesis.parameters.insert("approval_percent".to_owned(), 66);
    let mut value = serde_json::to_value(genesis).expect("it is JSON");
    value["generated_accounts"] =
        json!({ "organisation": 0, "seed": "x", "count": 2, "balance": 7 });
    value
}

fn read(value: &Value) -> Result<Genesis, String> {
    Genesis::from_json(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// Changes the value at a path such as `accounts/0/key`.
fn changed(path: &str, value: Value) -> Value {
    let mut document = document();
    *document.pointer_mut(&format!("/{path}")).expect("the path exists") = value;
    document
}

/// Goal: the document as it is is accepted. Method: read it, and compare what follows from it.
#[test]
fn a_good_document_is_read() {
    let genesis = read(&document()).expect("it is good");
    assert_eq!(genesis.balances(), Ok(Amount(5 + 2 * 7)));
    assert_eq!(genesis.parameters().map(|parameters| parameters.approval_percent()), Ok(66));
}

/// Goal: each fault is refused with a message that names it. Method: one change a case.
#[test]
fn a_bad_document_is_refused() {
    let key = |bytes: &str| json!(bytes.repeat(32));
    let repeated = document()["accounts"][0].clone();
    let asset = document()["assets"][0].clone();
    for (path, value, expected) in [
        ("format", json!("trine-genesis-v2"), "format"),
        ("suite", json!("none"), "suite"),
        ("name", json!("Chain"), "name"),
        ("blocks_per_epoch", json!(7), "blocks_per_epoch"),
        ("blocks_per_epoch", json!(1_000_001), "blocks_per_epoch"),
        ("organisations", json!([]), "organisations"),
        ("organisations", json!(vec!["a"; 1_001]), "organisations"),
        ("organisations", json!(["alpha", "alpha"]), "stands twice"),
        ("organisations", json!(["alpha", "Beta"]), "organisation"),
        ("validators", json!([]), "at least one"),
        ("validators/0/key", key("02"), "no public key"),
        ("validators/0/key", document()["validators"][1]["key"].clone(), "each once"),
        ("validators/0/organisation", json!(2), "organisation number 2"),
        ("validators/0/name", json!(""), "validator"),
        ("accounts/0/key", json!("00"), "no public key"),
        ("accounts/0/key", json!("0"), "hexadecimal"),
        ("accounts/0/algorithm", json!("rsa"), "algorithm"),
        ("accounts/0/roles", json!(["king"]), "king"),
        ("accounts/0/organisation", json!(9), "organisation number 9"),
        ("accounts", json!([repeated, repeated]), "stands twice"),
        ("accounts/0/balance", json!(u64::MAX), "balances"),
        ("accounts/0/balance", json!(-1), "invalid value"),
        ("assets", json!([]), "no asset"),
        ("assets", json!([asset, asset]), "stands twice"),
        ("assets/0/symbol", json!("tok"), "asset"),
        ("assets/0/name", json!("a\u{1}"), "asset"),
        ("assets/0/decimals", json!(19), "asset"),
        ("assets/0/organisation", json!(2), "organisation number 2"),
        ("parameters/approval_percent", json!(100), "approval_percent"),
        ("parameters", json!({ "speed": 1 }), "speed"),
        ("generated_accounts/count", json!(10_000_001), "generated"),
        ("generated_accounts/organisation", json!(5), "organisation number 5"),
        ("time_ms", json!("now"), "invalid type"),
    ] {
        let refused = read(&changed(path, value.clone())).expect_err(path);
        assert!(refused.contains(expected), "{path} = {value}: {refused}");
    }
    let mut unknown = document();
    unknown["extra"] = json!(1);
    assert!(read(&unknown).expect_err("extra").contains("extra"));
    let asset = json!([0, "TOK", "Token", 2]);
    let listed = read(&changed("assets/0", asset)).expect_err("fields without names");
    assert!(listed.contains("a list stands"), "{listed}");
    let once = "\"approval_percent\":66";
    let twice = document().to_string().replace(once, &format!("{once},{once}"));
    let twice = Genesis::from_json(twice.as_bytes()).expect_err("a parameter twice");
    assert!(twice.to_string().contains("stands twice"), "{twice}");
    let long = vec![b' '; 16 * 1_024 * 1_024 + 1];
    assert!(Genesis::from_json(&long).expect_err("long").to_string().contains("at most"));
}

/// Goal: the chain id follows from what the document says, not from how it is written. Method:
/// other order and spaces, defaults written out; then a change of every leaf.
#[test]
fn the_chain_id_covers_every_value() {
    let genesis = read(&document()).expect("it is good");
    let pretty = serde_json::to_vec_pretty(&document()).expect("it is JSON");
    let same = Genesis::from_json(&pretty).map(|genesis| genesis.chain_id());
    assert_eq!(same, Ok(genesis.chain_id()));
    let mut short = document();
    short["accounts"][0].as_object_mut().expect("an object").remove("balance");
    let written = changed("accounts/0/balance", json!(0));
    assert_eq!(
        read(&short).map(|genesis| genesis.chain_id()),
        read(&written).map(|genesis| genesis.chain_id()),
    );
    for (path, value) in [
        ("name", json!("other")),
        ("time_ms", json!(1)),
        ("blocks_per_epoch", json!(9)),
        ("organisations", json!(["alpha", "gamma"])),
        ("validators/0/address", json!("127.0.0.1:1")),
        ("validators/1/organisation", json!(0)),
        ("accounts/0/roles", json!([])),
        ("accounts/0/balance", json!(6)),
        ("assets/0/name", json!("Other")),
        ("parameters/approval_percent", json!(67)),
        ("generated_accounts/seed", json!("y")),
    ] {
        let other = read(&changed(path, value)).expect(path);
        assert_ne!(other.chain_id(), genesis.chain_id(), "{path}");
    }
}
