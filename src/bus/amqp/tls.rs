//! Whom we trust and who we are, on an encrypted connection to the broker.

use crate::config::AmqpTls;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("`{key}` of [bus.amqp.tls]: {} can't be read: {why}", path.display())]
    File { key: &'static str, path: PathBuf, why: pem::Error },
    #[error("`{key}` of [bus.amqp.tls]: there is no certificate in {}: a file of PEM is due", path.display())]
    NoCertificate { key: &'static str, path: PathBuf },
    #[error("`{key}` of [bus.amqp.tls]: {} can't be used: {why}", path.display())]
    Unfit { key: &'static str, path: PathBuf, why: rustls::Error },
    #[error("`certfile` and `keyfile` of [bus.amqp.tls] don't belong together: {0}")]
    Identity(rustls::Error),
    #[error(
        "the certificates that this system trusts can't be read ({0}): name one as `ca_cert` in [bus.amqp.tls]"
    )]
    System(rustls::Error),
}

/// TLS 1.2 or later; the broker's name is checked.
pub(super) fn client(files: &AmqpTls) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider can speak TLS 1.2 and 1.3");
    let builder = match &files.ca_cert {
        Some(path) => builder.with_root_certificates(roots(path)?),
        None => builder.with_platform_verifier().map_err(TlsError::System)?,
    };
    let config = match (&files.certfile, &files.keyfile) {
        (Some(certfile), Some(keyfile)) => {
            let chain = certificates("certfile", certfile)?;
            let key = PrivateKeyDer::from_pem_file(keyfile).map_err(|why| TlsError::File {
                key: "keyfile",
                path: keyfile.clone(),
                why,
            })?;
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Identity)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_cert", path)? {
        roots.add(certificate).map_err(|why| TlsError::Unfit {
            key: "ca_cert",
            path: path.into(),
            why,
        })?;
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unread = |why| TlsError::File { key, path: path.into(), why };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(unread)?.collect();
    let certificates = certificates.map_err(unread)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { key, path: path.into() });
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_not_be_used_is_named_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let (bare, text) = (AmqpTls::default(), file("text", "hello\n"));
        let broken =
            file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let check = |files: AmqpTls, begin: &str| {
            let said = client(&files).map(drop).unwrap_err().to_string();
            let said = said.replace(&*folder.path().to_string_lossy(), "[folder]");
            assert!(said.starts_with(begin), "{said}");
        };
        check(
            AmqpTls { ca_cert: Some(folder.path().join("gone")), ..bare.clone() },
            "`ca_cert` of [bus.amqp.tls]: [folder]/gone can't be read: ",
        );
        check(
            AmqpTls { ca_cert: text.clone(), ..bare.clone() },
            "`ca_cert` of [bus.amqp.tls]: there is no certificate in [folder]/text: a file of PEM is due",
        );
        check(
            AmqpTls { ca_cert: broken.clone(), ..bare.clone() },
            "`ca_cert` of [bus.amqp.tls]: [folder]/broken can't be used: ",
        );
        check(
            AmqpTls { certfile: broken, keyfile: text, ..bare },
            "`keyfile` of [bus.amqp.tls]: [folder]/text can't be read: ",
        );
        assert!(client(&AmqpTls::default()).is_ok());
    }
}
