// Read a log as strangers do: checkpoint, tiles and entries, with the packages of the Go project
// (golang.org/x/mod/sumdb) and no line of Trine.
//
// Usage: reader FOLDER VERIFIER-KEY. Prints the size, and fails where anything does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder gives the tiles below a folder; the package verifies each against the root.
type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// C2SP leaves the height out of the path, because it is always 8.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for at := int64(0); at < size; at += 1 << height {
		width := min(int(size-at), 1<<height)
		tile := tlog.Tile{H: height, L: 0, N: at >> height, W: width}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/0/", height), "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		for len(data) >= 2 {
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				return nil, fmt.Errorf("%s ends inside an entry", path)
			}
			found = append(found, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(found)) != size {
		return nil, fmt.Errorf("%d entries, expected %d", len(found), size)
	}
	return found, nil
}

func (f folder) checkpoint(key string) (tlog.Tree, error) {
	var tree tlog.Tree
	data, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	if err != nil {
		return tree, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		return tree, fmt.Errorf("the checkpoint is of %q", lines[0])
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	copy(tree.Hash[:], root)
	return tree, err
}

func run(f folder, key string) error {
	tree, err := f.checkpoint(key)
	if err != nil {
		return err
	}
	entries, err := f.entries(tree.N)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, f)
	for at, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(at), reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(entry)
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(at), leaf); err != nil {
			return fmt.Errorf("entry %d: %w", at, err)
		}
	}
	fmt.Println(tree.N)
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: reader FOLDER VERIFIER-KEY")
		os.Exit(2)
	}
	if err := run(folder(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
