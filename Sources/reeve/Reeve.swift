@main
enum Reeve {
    static func main() {}
}
