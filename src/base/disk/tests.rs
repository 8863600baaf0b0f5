//! Files as they are promised: private, whole, never overwritten.

use super::*;

#[test]
fn a_place_that_is_not_there_yet_has_the_room_of_its_disk() {
    let dir = tempfile::tempdir().unwrap();
    assert!(free(&dir.path().join("a/b/c")).unwrap() > 0);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn the_hash_is_sha256() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("abc");
    fs::write(&path, "abc").unwrap();
    // FIPS 180-4, the first example.
    assert_eq!(sha256(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[cfg(unix)]
#[test]
fn files_and_folders_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    create_new(&at("a")).unwrap();
    append(&at("b")).unwrap();
    open_or_create(&at("c")).unwrap();
    write_new(&at("d"), b"d").unwrap();
    fs::write(at("open"), "x").unwrap();
    copy_new(&at("open"), &at("e")).unwrap();
    replace(&at("open"), b"y").unwrap();
    for name in ["a", "b", "c", "d", "e", "open"] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    create_folder(&at("f/g")).unwrap();
    let temporary = temporary_folder(dir.path(), "new.", ".tmp").unwrap();
    assert_eq!([mode(&at("f")), mode(&at("f/g")), mode(temporary.path())], [0o700; 3]);
    fs::create_dir(at("h")).unwrap();
    fs::set_permissions(at("h"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    create_folder(&at("h")).unwrap();
    assert_eq!(mode(&at("h")), 0o755, "what is there stays as it is");
    make_private(&at("h")).unwrap();
    assert_eq!(mode(&at("h")), 0o700);
}

#[test]
fn what_is_new_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("kept"), dir.path().join("other"));
    fs::write(&path, "kept").unwrap();
    fs::write(&other, "other").unwrap();
    assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(write_new(&path, b"new").is_err());
    assert!(copy_new(&other, &path).is_err());
    drop((append(&path).unwrap(), open_or_create(&path).unwrap()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn a_failed_replacement_leaves_the_old_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    fs::write(&path, "old").unwrap();
    // The new file cannot be written.
    let refused = stage(&path, |fresh| {
        fs::write(fresh, "half of the n").unwrap();
        Err::<(), _>(Error::io("write", fresh)(io::ErrorKind::StorageFull.into()))
    });
    assert!(refused.is_err() && fs::read_to_string(&path).unwrap() == "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
    // It cannot take its place: a folder that is not empty stands there.
    let taken = dir.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("kept"), "").unwrap();
    assert!(replace(&taken, b"new").is_err());
    assert!(taken.join("kept").is_file() && !temporary(&taken).exists());
    // A leftover is no obstacle.
    fs::write(temporary(&path), "left by a crash").unwrap();
    replace(&path, b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert!(!temporary(&path).exists());
    remove(&path).unwrap();
    remove(&path).unwrap();
}

#[test]
fn bytes_are_read_from_any_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bytes");
    fs::write(&path, "0123456789").unwrap();
    let file = File::open(&path).unwrap();
    let mut three = [0; 3];
    for (at, found) in [(7, b"789"), (0, b"012")] {
        read_at(&file, &mut three, at).unwrap();
        assert_eq!(&three, found);
    }
    assert_eq!(read_at(&file, &mut three, 8).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}
