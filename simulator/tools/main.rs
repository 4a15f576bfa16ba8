//! What runs on the node's side of a simulated ESXi host: one static program, standard library
//! only, compiled by `build.rs`.
//!
//! Called as `vim-cmd`, `esxcli`, `vmkfstools`, `vmware` or `date` it passes its arguments to the
//! simulated hostd through a socket and prints what comes back, as the real `vim-cmd` does. Called
//! as `python3` it becomes the machine's own, with this node's hostd on its loopback. Called
//! as `find` or `mkdir` it lets hostd answer first, which knows the volumes, and else becomes
//! busybox. Under its own name it lets an SSH command into the node's chroot (`enter`), or guards the sshd
//! (`supervise`). It keeps no state and knows no ESXi.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

mod supervise;

/// Where hostd listens, inside the chroot.
const HOSTD: &str = "/var/run/hostd.sock";

/// What a tool exits with when hostd went away in the middle of the answer.
const NO_ANSWER: u8 = 255;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_os_string();
    let arguments: Vec<OsString> = arguments.collect();
    match name.to_str() {
        Some("vim-cmd" | "esxcli" | "vmkfstools" | "vmware") => ask(&name, &arguments),
        Some("python3") => python(&arguments),
        Some("date") => date(&arguments),
        Some("sh" | "-sh") => shell(&called, arguments),
        Some("find" | "mkdir" | "stat") => ask_first(&name, &arguments),
        Some("osfs-mkdir") => busybox(OsStr::new("mkdir"), &arguments),
        Some("osfs-rmdir") => busybox(OsStr::new("rmdir"), &arguments),
        _ => match arguments.split_first() {
            Some((mode, rest)) if mode == "enter" => enter(rest),
            Some((mode, rest)) if mode == "supervise" => supervise::run(rest),
            _ => {
                complain("a part of the simulated ESXi node; not to be called by hand");
                ExitCode::from(2)
            }
        },
    }
}

/// What hostd answers where busybox is to carry out the command.
const NO_OBJECTION: u8 = 254;

/// Lets hostd carry out the command, and prints what it says.
fn ask(program: &OsStr, arguments: &[OsString]) -> ExitCode {
    ExitCode::from(answer(program, arguments))
}

/// Lets busybox carry out the command, unless hostd has an answer to it.
fn ask_first(program: &OsStr, arguments: &[OsString]) -> ExitCode {
    match answer(program, arguments) {
        NO_OBJECTION => busybox(program, arguments),
        code => ExitCode::from(code),
    }
}

fn answer(program: &OsStr, arguments: &[OsString]) -> u8 {
    let answer = request(program, arguments).and_then(|mut stream| {
        relay(
            &mut stream,
            &mut io::stdout().lock(),
            &mut io::stderr().lock(),
        )
    });
    answer.unwrap_or_else(|error| {
        complain(&format!("hostd does not answer: {error}"));
        NO_ANSWER
    })
}

fn busybox(applet: &OsStr, arguments: &[OsString]) -> ExitCode {
    let error = Command::new("/bin/busybox")
        .arg(applet)
        .args(arguments)
        .exec();
    complain(&format!("busybox does not start: {error}"));
    ExitCode::FAILURE
}

/// The real Python, with this node's hostd on its loopback, unless hostd has an answer for it. Its
/// last argument is `-`: the program comes on standard input; or the last two are `-c` and a program.
fn python(arguments: &[OsString]) -> ExitCode {
    let mut answer = Vec::new();
    let asked = request(OsStr::new("python3"), arguments)
        .and_then(|mut stream| relay(&mut stream, &mut answer, &mut io::stderr().lock()));
    match asked {
        Ok(NO_OBJECTION) => {}
        Ok(code) => {
            let _ = io::stdout().lock().write_all(&answer);
            return ExitCode::from(code);
        }
        Err(error) => {
            complain(&format!("hostd does not answer: {error}"));
            return ExitCode::from(NO_ANSWER);
        }
    }
    let mut lines = answer.split(|&byte| byte == b'\n').map(OsStr::from_bytes);
    let (options, given) = match arguments {
        [options @ .., last] if last == "-" => (options, None),
        [options @ .., option, given] if option == "-c" => (options, Some(given)),
        _ => {
            complain("python3 OPTION... -, or python3 OPTION... -c PROGRAM");
            return ExitCode::from(2);
        }
    };
    let (Some(program), Some(port)) = (lines.next(), lines.next()) else {
        complain("hostd does not say where Python is");
        return ExitCode::from(2);
    };
    let error = Command::new(program)
        .args(options)
        .arg("-c")
        .arg(include_str!("loopback.py"))
        .args(given)
        .env("SIMULATED_HOSTD_PORT", port)
        .exec();
    complain(&format!("Python does not start: {error}"));
    ExitCode::FAILURE
}

/// busybox's `date` with the node's clock instead of this machine's.
fn date(arguments: &[OsString]) -> ExitCode {
    let mut seconds = Vec::new();
    let asked = request(OsStr::new("date"), &[])
        .and_then(|mut stream| relay(&mut stream, &mut seconds, &mut io::sink()));
    if let Err(error) = asked {
        complain(&format!("hostd does not answer: {error}"));
        return ExitCode::from(NO_ANSWER);
    }
    let mut clock = OsString::from("@");
    clock.push(OsStr::from_bytes(&seconds));
    let error = Command::new("/bin/busybox")
        .arg("date")
        .arg("-d")
        .arg(clock)
        .args(arguments)
        .exec();
    complain(&format!("busybox does not start: {error}"));
    ExitCode::FAILURE
}

/// busybox's `sh`. It runs some applets without looking whether the host has a link to them; the
/// profile, put in front of a script on its first line, makes those the host's own again.
fn shell(called: &OsStr, mut arguments: Vec<OsString>) -> ExitCode {
    if let [option, script, ..] = arguments.as_mut_slice()
        && option == "-c"
    {
        let mut line = OsString::from(include_str!("profile.sh").trim_end());
        line.push(" ");
        line.push(&*script);
        *script = line;
    }
    let error = Command::new("/bin/busybox")
        .arg0(called)
        .args(arguments)
        .exec();
    complain(&format!("busybox does not start: {error}"));
    ExitCode::FAILURE
}

/// `enter ROOT PATH BUSYBOX MODE`: goes into the chroot and becomes the shell that sshd was asked
/// for. `MODE` is `root`, or `user` for a user namespace, where device nodes cannot be made and
/// the machine's own are mounted instead; `probe` finds out whether that works.
fn enter(arguments: &[OsString]) -> ExitCode {
    let [root, path, busybox, mode] = arguments else {
        complain("enter ROOT PATH BUSYBOX MODE");
        return ExitCode::from(2);
    };
    let root = Path::new(root);
    let entered = if mode == "root" {
        change_root(root)
    } else {
        mount_devices(root, busybox).and_then(|()| change_root(root))
    };
    let error = match entered {
        Ok(()) if mode == "probe" => return ExitCode::SUCCESS,
        Ok(()) => become_shell(path),
        Err(error) => error,
    };
    complain(&error);
    ExitCode::from(NO_ANSWER)
}

fn mount_devices(root: &Path, busybox: &OsStr) -> Result<(), String> {
    let mounted = Command::new(busybox)
        .args(["mount", "-o", "rbind", "/dev"])
        .arg(root.join("dev"))
        .status()
        .map_err(|error| format!("busybox does not start: {error}"))?;
    if mounted.success() {
        Ok(())
    } else {
        Err("the device files cannot be mounted in the chroot".to_owned())
    }
}

fn change_root(root: &Path) -> Result<(), String> {
    std::os::unix::fs::chroot(root).map_err(|error| format!("no chroot: {error}"))?;
    std::env::set_current_dir("/").map_err(|error| format!("no root directory: {error}"))
}

/// Comes back only with the reason why there is no shell.
fn become_shell(path: &OsStr) -> String {
    let script = std::env::var_os("SSH_ORIGINAL_COMMAND");
    let arguments: Vec<OsString> = script.iter().cloned().collect();
    let verdict = request(OsStr::new("sh"), &arguments)
        .and_then(|mut stream| relay(&mut stream, &mut io::sink(), &mut io::sink()));
    match verdict {
        Ok(0) => {}
        Ok(_) => {
            // The parent is the sshd process of this connection: with it the connection ends.
            let _ = Command::new("/bin/busybox")
                .args([
                    "kill",
                    "-9",
                    &std::os::unix::process::parent_id().to_string(),
                ])
                .status();
            return "the connection is cut".to_owned();
        }
        Err(error) => return format!("hostd does not answer: {error}"),
    }

    let kept: Vec<(String, OsString)> = ["TERM", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)))
        .collect();
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .envs(kept)
        .env("PATH", path)
        .env("HOME", "/")
        .env("USER", "root")
        .env("LOGNAME", "root")
        .env("SHELL", "/bin/sh");
    match script {
        Some(script) => {
            shell.arg("-c").arg(script);
        }
        None => {
            let name = fs::read_to_string("/etc/hostname").unwrap_or_default();
            shell
                .arg0("-sh")
                .env("PS1", format!("[root@{}:\\w] ", name.trim_end()));
        }
    }
    format!("no shell: {}", shell.exec())
}

/// Opens the socket and sends program, working directory and arguments: their number and each
/// one's length as 4 bytes in little-endian order.
fn request(program: &OsStr, arguments: &[OsString]) -> io::Result<UnixStream> {
    let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let words = [program, directory.as_os_str()]
        .into_iter()
        .chain(arguments.iter().map(OsString::as_os_str));
    let mut message = Vec::new();
    let length = |number: usize| {
        u32::try_from(number)
            .map(u32::to_le_bytes)
            .map_err(io::Error::other)
    };
    message.extend(length(2 + arguments.len())?);
    for word in words {
        message.extend(length(word.len())?);
        message.extend(word.as_bytes());
    }
    let mut stream = UnixStream::connect(HOSTD)?;
    stream.write_all(&message)?;
    Ok(stream)
}

/// Passes the answer on: frames of a channel (1 output, 2 errors, 0 the end), a length and so
/// many bytes; the end carries the exit code instead of a length. A reader that has gone away
/// (`vim-cmd … | head -1`) changes nothing.
fn relay(
    stream: &mut UnixStream,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    loop {
        let [channel, size @ ..] = {
            let mut head = [0; 5];
            stream.read_exact(&mut head)?;
            head
        };
        if channel == 0 {
            let [code, ..] = size;
            return Ok(code);
        }
        let size = usize::try_from(u32::from_le_bytes(size)).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        stream.read_exact(&mut bytes)?;
        let target: &mut dyn Write = if channel == 1 { output } else { errors };
        let _ = target.write_all(&bytes);
        let _ = target.flush();
    }
}

fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "simulator: {message}");
}

/// The lines that arrive on standard input until it ends.
fn orders() -> impl Iterator<Item = String> {
    io::stdin().lock().lines().map_while(Result::ok)
}
