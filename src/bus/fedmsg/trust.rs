//! Who may sign: a certificate authority, its list of revoked certificates, and the signers that it vouches for.
//!
//! As OpenSSL judges them for fedmsg: a signer's certificate is the authority's own work, without others in between, and
//! both are valid now. With a list of revoked ones, that must be the authority's and valid too, or nobody is trusted.
//! A signer that was found good is remembered: it signs thousands of messages with one certificate.

use super::signature::Refused;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};
use parking_lot::Mutex;
use std::{collections::HashMap, collections::HashSet, ops::RangeInclusive, sync::Arc};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA, Oid,
};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// A bus has some hundred signers; then all are forgotten, and found good again.
const KNOWN: usize = 1024;
/// Certificates have two kilobytes; text around one is as good as none, and is not kept.
const KNOWN_BYTES: usize = 8 * 1024;

pub(super) struct Trust {
    authority: Authority,
    revoked: Option<Revoked>,
    /// By the text of the certificate as messages bring it.
    known: Mutex<HashMap<String, Arc<Signer>>>,
}

struct Authority {
    name: Vec<u8>,
    key: Vec<u8>,
    valid: RangeInclusive<i64>,
}

struct Revoked {
    serials: HashSet<Vec<u8>>,
    valid: RangeInclusive<i64>,
}

/// Who signs, by one certificate.
pub(super) struct Signer {
    /// The first common name, as routing policies have it.
    pub(super) name: String,
    pub(super) key: ParsedPublicKey,
    valid: RangeInclusive<i64>,
}

/// Which setting does not fit, and why.
pub(super) struct Unfit {
    pub(super) key: &'static str,
    pub(super) why: &'static str,
}

impl Trust {
    /// Both in PEM.
    pub(super) fn read(authority: &[u8], revoked: Option<&[u8]>) -> Result<Self, Unfit> {
        let authority = Authority::read(authority).map_err(|why| Unfit { key: "ca", why })?;
        let revoked = revoked.map(|list| Revoked::read(list, &authority)).transpose();
        let revoked = revoked.map_err(|why| Unfit { key: "crl", why })?;
        Ok(Self { authority, revoked, known: Mutex::default() })
    }

    /// Whose certificate this is, if it is good. `certificate` is as messages bring it, `pem` what it decodes to; `now`
    /// in seconds since 1970.
    pub(super) fn signer(
        &self,
        certificate: &str,
        pem: impl FnOnce() -> Result<Vec<u8>, Refused>,
        now: i64,
    ) -> Result<Arc<Signer>, Refused> {
        if !self.authority.valid.contains(&now) {
            return Err(Refused::AuthorityExpired);
        }
        if self.revoked.as_ref().is_some_and(|list| !list.valid.contains(&now)) {
            return Err(Refused::ListExpired);
        }
        let known = self.known.lock().get(certificate).cloned();
        let signer = match known {
            Some(known) => known,
            None => self.learn(certificate, &pem()?)?,
        };
        if now < *signer.valid.start() {
            return Err(Refused::NotYetValid(signer.name.clone()));
        }
        if now > *signer.valid.end() {
            return Err(Refused::Expired(signer.name.clone()));
        }
        Ok(signer)
    }

    fn learn(&self, certificate: &str, pem: &[u8]) -> Result<Arc<Signer>, Refused> {
        let signer = Arc::new(self.judge(pem)?);
        if certificate.len() <= KNOWN_BYTES {
            let mut known = self.known.lock();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(certificate.to_owned(), signer.clone());
        }
        Ok(signer)
    }

    fn judge(&self, pem: &[u8]) -> Result<Signer, Refused> {
        let der = block(pem, "CERTIFICATE").ok_or(Refused::NoCertificate)?;
        let (_, read) = X509Certificate::from_der(&der).map_err(|_| Refused::NoCertificate)?;
        let name = name_of(&read).ok_or(Refused::NoName)?;
        if read.issuer().as_raw() != self.authority.name || !self.authority.signed(&read) {
            return Err(Refused::OtherAuthority(name));
        }
        let unknown = read.extensions().iter().any(|extension| {
            extension.critical
                && matches!(
                    extension.parsed_extension(),
                    ParsedExtension::UnsupportedExtension { .. }
                        | ParsedExtension::ParseError { .. }
                )
        });
        if unknown {
            return Err(Refused::NoCertificate);
        }
        if self.revoked.as_ref().is_some_and(|list| list.serials.contains(read.raw_serial())) {
            return Err(Refused::Revoked(name));
        }
        let bytes = &read.public_key().subject_public_key.data;
        let key = ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, bytes)
            .map_err(|_| Refused::OtherKey(name.clone()))?;
        Ok(Signer { name, key, valid: validity(&read) })
    }
}

impl Authority {
    fn read(pem: &[u8]) -> Result<Self, &'static str> {
        const NONE: &str = "holds no certificate in PEM";
        let der = block(pem, "CERTIFICATE").ok_or(NONE)?;
        let (_, read) = X509Certificate::from_der(&der).map_err(|_| NONE)?;
        let constraints = read.basic_constraints().map_err(|_| NONE)?;
        if constraints.is_some_and(|constraints| !constraints.value.ca) {
            return Err("holds the certificate of somebody who may not vouch for others");
        }
        Ok(Self {
            name: read.subject().as_raw().to_vec(),
            key: read.public_key().subject_public_key.data.to_vec(),
            valid: validity(&read),
        })
    }

    fn signed(&self, read: &X509Certificate<'_>) -> bool {
        let (inner, outer) = (&read.signature, &read.signature_algorithm);
        inner.algorithm == outer.algorithm
            && self.made(
                &outer.algorithm,
                read.tbs_certificate.as_ref(),
                &read.signature_value.data,
            )
    }

    fn made(&self, algorithm: &Oid<'_>, text: &[u8], signature: &[u8]) -> bool {
        let algorithms: [(Oid<'_>, &dyn VerificationAlgorithm); 4] = [
            (OID_PKCS1_SHA256WITHRSA, &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            (OID_PKCS1_SHA1WITHRSA, &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            (OID_PKCS1_SHA512WITHRSA, &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            (OID_PKCS1_SHA384WITHRSA, &RSA_PKCS1_2048_8192_SHA384),
        ];
        let found = algorithms.iter().find(|(named, _)| named == algorithm);
        found.is_some_and(|(_, how)| {
            UnparsedPublicKey::new(*how, &self.key).verify(text, signature).is_ok()
        })
    }
}

impl Revoked {
    fn read(pem: &[u8], authority: &Authority) -> Result<Self, &'static str> {
        const NONE: &str = "holds no list of revoked certificates in PEM";
        let der = block(pem, "X509 CRL").ok_or(NONE)?;
        let (_, read) = CertificateRevocationList::from_der(&der).map_err(|_| NONE)?;
        let algorithm = &read.signature_algorithm.algorithm;
        let of_this = read.issuer().as_raw() == authority.name
            && read.tbs_cert_list.signature.algorithm == *algorithm
            && authority.made(algorithm, read.tbs_cert_list.as_ref(), &read.signature_value.data);
        if !of_this {
            return Err("is the list of another authority than `ca`");
        }
        let until = read.next_update().map_or(i64::MAX, |at| at.timestamp());
        Ok(Self {
            serials: read.iter_revoked_certificates().map(|it| it.raw_serial().to_vec()).collect(),
            valid: read.last_update().timestamp()..=until,
        })
    }
}

/// The first block of that kind, decoded. Text around it is allowed, as everywhere in PEM.
fn block(pem: &[u8], label: &str) -> Option<Vec<u8>> {
    let mut blocks = Pem::iter_from_buffer(pem);
    let found = blocks.find_map(|block| block.ok().filter(|block| block.label == label));
    found.map(|block| block.contents)
}

fn validity(read: &X509Certificate<'_>) -> RangeInclusive<i64> {
    read.validity().not_before.timestamp()..=read.validity().not_after.timestamp()
}

fn name_of(read: &X509Certificate<'_>) -> Option<String> {
    let name = read.subject().iter_common_name().next()?;
    name.as_str().ok().map(Into::into)
}
