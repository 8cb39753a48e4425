//! `hubs completions`: what a shell knows of the command line.

use super::{Cli, Outcome};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Print a script that completes commands, options and names of widgets in a shell
///
/// In bash: `source <(hubs completions bash)`; in fish: `hubs completions fish | source`; in zsh: put it into a file
/// `_hubs` of your `fpath`.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

/// In bash the first argument of these is the name of a widget.
const BASH: &str = r#"
_hubs_widgets() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    if [[ ${COMP_WORDS[1]} == widget && $COMP_CWORD -ge 3 && $word != -* &&
        " bench check run show test " == *" ${COMP_WORDS[2]} "* && ${COMP_WORDS[COMP_CWORD - 1]} != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(hubs widget list 2>/dev/null | cut -d' ' -f1)" -- "$word")
    else
        _hubs "$@"
    fi
}
complete -F _hubs_widgets -o bashdefault -o default hubs
"#;

const FISH: &str = "\ncomplete -c hubs -n '__fish_seen_subcommand_from widget; and __fish_seen_subcommand_from bench check run show test' \
    -f -a \"(hubs widget list 2>/dev/null | string replace -r '^(\\S+)\\s+' '\\$1\\t')\"\n";

impl Completions {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hubs", &mut script);
        out.write_all(&script)?;
        match self.shell {
            Shell::Bash => out.write_all(BASH.as_bytes())?,
            Shell::Fish => out.write_all(FISH.as_bytes())?,
            _ => {}
        }
        Ok(Outcome::Fine)
    }
}
