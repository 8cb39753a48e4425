//! The process that speaks GSSAPI: a token out, the host's answer in.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{
    GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE, GSS_NT_KRB5_PRINCIPAL, OidSet,
};
use std::io::{self, BufRead, Write};

/// Writes `well TOKEN` for a service as `HTTP@host`, reads the host's answer, and writes `well` again when it proves who
/// the host is. Where something fails it writes `failed` and what GSSAPI says.
pub fn initiate(
    service: &str,
    principal: Option<&str>,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut context = None;
    let begun = begin(service, principal).and_then(|mut begun| {
        let token = begun.step(None, None)?;
        context = Some(begun);
        Ok(token.map_or_else(String::new, |token| BASE64_STANDARD.encode(&*token)))
    });
    let Some(mut context) = told(out, begun)?.and(context) else { return Ok(()) };
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    let answer = BASE64_STANDARD.decode(answer.trim()).unwrap_or_default();
    let proven = context.step(Some(&answer), None).map(|_| String::new());
    match proven {
        Ok(_) if !context.is_complete() => {
            writeln!(out, "failed the server's proof of who it is has more steps than one")?;
        }
        proven => {
            told(out, proven)?;
        }
    }
    Ok(())
}

fn begin(service: &str, principal: Option<&str>) -> Result<ClientCtx, Error> {
    let mechanism = OidSet::singleton(GSS_MECH_SPNEGO)?;
    let me = principal
        .map(|name| Name::new(name.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)))
        .transpose()?;
    // Asked of Kerberos alone it says what is wrong; SPNEGO knows only that nothing is right.
    let kerberos = OidSet::singleton(GSS_MECH_KRB5)?;
    Cred::acquire(me.as_ref(), None, CredUsage::Initiate, Some(&kerberos))?;
    let login = Cred::acquire(me.as_ref(), None, CredUsage::Initiate, Some(&mechanism))?;
    let target = Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))?;
    // The ticket itself is not handed on: FASJSON is content with less.
    let flags = CtxFlags::GSS_C_MUTUAL_FLAG;
    Ok(ClientCtx::new(Some(login), target, flags, Some(GSS_MECH_SPNEGO)))
}

fn told(out: &mut impl Write, outcome: Result<String, Error>) -> io::Result<Option<()>> {
    let line = match &outcome {
        Ok(token) => format!("well {token}"),
        Err(error) => format!("failed {error}").replace(['\n', '\r'], " "),
    };
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(outcome.ok().map(drop))
}
