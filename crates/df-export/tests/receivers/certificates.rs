//! A certificate authority of our own, with a server and a client.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::peer::write;

/// PEM files.
pub(crate) struct Certificates {
    pub(crate) authority: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) client: PathBuf,
    pub(crate) client_key: PathBuf,
}

impl Certificates {
    /// Makes them in `directory`, for a server at 127.0.0.1.
    pub(crate) fn new(directory: &Path) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "an authority for tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, name);
            (parameters.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
        };
        let (server, server_key) = signed("127.0.0.1");
        let (client, client_key) = signed("df.example");
        Self {
            authority: write(directory, "authority.pem", &authority.pem()),
            server: write(directory, "server.pem", &server),
            server_key: write(directory, "server.key", &server_key),
            client: write(directory, "client.pem", &client),
            client_key: write(directory, "client.key", &client_key),
        }
    }
}
