//! Test that the page is complete, asks nothing of other hosts and is cached by its content.

use super::{ASSETS, CONTENT_SECURITY_POLICY, INDEX_PATH};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// Goal: every file that the page names is served. Method: search the text of all files for paths
/// and compare them with the list.
#[test]
fn every_named_file_is_served() {
    let paths: Vec<_> = ASSETS.iter().map(|asset| asset.path).collect();
    assert!(paths.contains(&INDEX_PATH));
    for asset in ASSETS {
        let named = asset.body.split(['"', '\'', '`']).filter_map(|text| {
            let file = text.strip_prefix("/page/").or_else(|| text.strip_prefix("./"))?;
            (file.contains('.') && !file.contains(' ')).then(|| format!("/page/{file}"))
        });
        for path in named {
            assert!(paths.contains(&path.as_str()), "{} names {path}", asset.path);
        }
    }
}

/// Goal: no request leaves the node, nothing runs inline. Method: the policy names only the page's
/// own origin, and no file holds an address with a host, an inline script, style or handler.
#[test]
fn asks_nothing_of_other_hosts() {
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none'"));
    for asset in ASSETS {
        let body = asset.body.replace("http://www.w3.org/2000/svg", "");
        for forbidden in ["http://", "https://", "url(", " style=\"", " onclick=", "innerHTML"] {
            assert!(!body.contains(forbidden), "{} holds {forbidden}", asset.path);
        }
        for script in body.split("<script").skip(1) {
            let (head, rest) = script.split_once('>').expect("a script element is closed");
            assert!(head.contains("src=") && rest.starts_with("</script>"), "{}", asset.path);
        }
    }
}

/// Goal: a browser that has the content gets no second copy, and another content another tag.
/// Method: ask with no tag, with the tag among others, with a wrong one.
#[test]
fn answers_by_entity_tag() {
    for asset in ASSETS {
        let status = |tag: Option<String>| {
            let mut request = HeaderMap::new();
            if let Some(tag) = tag {
                let value = HeaderValue::from_str(&tag).unwrap();
                request.insert(header::IF_NONE_MATCH, value);
            }
            let response = asset.respond(&request);
            assert_eq!(response.headers()[header::ETAG], asset.etag());
            assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
            response.status()
        };
        assert_eq!(status(None), StatusCode::OK);
        assert_eq!(status(Some("\"0\"".to_owned())), StatusCode::OK);
        assert_eq!(status(Some(format!("\"0\", {}", asset.etag()))), StatusCode::NOT_MODIFIED);
        assert_eq!(ASSETS.iter().filter(|other| other.etag() == asset.etag()).count(), 1);
    }
}
